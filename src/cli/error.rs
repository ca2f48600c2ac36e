//! How a command can end badly, and with which exit code.

use crate::config::ConfigError;

/// Why a command did not end well.
#[derive(Debug)]
pub(super) enum CliError {
    /// Wrong usage or configuration: one line that names what is wrong and the remedy.
    Usage(String),
    /// It was tried and failed.
    Failed(anyhow::Error),
    /// It failed, and everything about it is on the screen already.
    Reported,
}

impl CliError {
    /// Something was tried and failed.
    pub(super) fn failed(error: impl Into<anyhow::Error>) -> Self {
        Self::Failed(error.into())
    }

    /// The process's exit code.
    pub(super) fn code(&self) -> u8 {
        match self {
            Self::Usage(_) => 2,
            Self::Failed(_) | Self::Reported => 1,
        }
    }

    /// What to say about it on standard error.
    pub(super) fn line(&self) -> Option<String> {
        match self {
            Self::Usage(line) => Some(line.clone()),
            Self::Failed(error) => Some(format!("{error:#}")),
            Self::Reported => None,
        }
    }
}

impl From<ConfigError> for CliError {
    fn from(error: ConfigError) -> Self {
        Self::Usage(error.to_string())
    }
}

impl From<anyhow::Error> for CliError {
    fn from(error: anyhow::Error) -> Self {
        Self::Failed(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn configuration_errors_are_usage_and_others_are_failures() {
        let env = [("ASKPRO__HTTP__BIND".to_owned(), "nowhere".to_owned())];
        let error = crate::config::Config::load(None, env.into_iter()).map(drop).unwrap_err();
        let error = CliError::from(error);
        assert_eq!(error.code(), 2);
        let line = error.line().unwrap();
        assert!(line.contains("http.bind") && line.contains("nowhere") && !line.contains('\n'), "{line}");
        assert_eq!(CliError::failed(anyhow::anyhow!("x")).code(), 1);
        assert_eq!(CliError::Reported.code(), 1);
    }
}
