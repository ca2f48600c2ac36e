//! `askpro retell-tools`: what an owner pastes into a Retell agent, as one JSON object on standard output:
//! `tools`, an array of Retell's custom tools, and `prompt`, a section that says how to use them.
//!
//! Nothing here is a list of its own: which functions there are and what they take is asked of the domain, how
//! long an answer may take of the configuration.

mod prompt;
mod public_url;
mod tool;

use std::path::PathBuf;

use askpro_domain::{
    function::{Argument, FunctionName},
    tenant::Language,
};
use clap::{Args, ValueEnum};
use serde::Serialize;

use self::{
    public_url::PublicUrl,
    tool::{Place, Tool},
};
use super::{error::CliError, settings};

/// Arguments of `askpro retell-tools`.
#[derive(Debug, Args)]
pub(super) struct RetellToolsArgs {
    /// Public address of the service, as Retell reaches it: https://host, or https://host/path behind a proxy
    #[arg(long, value_name = "URL", value_parser = PublicUrl::parse)]
    url: Option<PublicUrl>,
    /// Language of the descriptions and the prompt
    #[arg(long, value_enum, default_value_t = Spoken::De)]
    language: Spoken,
    /// For an agent in a company's own Retell workspace, which signs with that company's key: its slug
    #[arg(long, value_name = "SLUG", value_parser = slug)]
    company: Option<String>,
    /// Settings that differ from the defaults (TOML); functions.budget_ms decides the time-outs
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

/// Languages on the command line.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Spoken {
    /// German
    De,
    /// English
    En,
}

impl From<Spoken> for Language {
    fn from(spoken: Spoken) -> Self {
        match spoken {
            Spoken::De => Self::De,
            Spoken::En => Self::En,
        }
    }
}

/// What is printed.
#[derive(Debug, Serialize)]
struct Printed {
    tools: Vec<Tool>,
    prompt: String,
}

/// Prints tools and prompt; what the owner should know besides goes to standard error.
pub(super) async fn run(args: RetellToolsArgs) -> Result<(), CliError> {
    let config = settings::load(args.config.as_deref())?;
    let url = args.url.unwrap_or_else(PublicUrl::placeholder);
    for note in url.notes().iter().chain(&left_out_note()) {
        eprintln!("askpro: {note}");
    }
    let place = Place { url, company: args.company, budget: config.functions.budget };
    let printed = printed(&place, args.language.into());
    println!("{}", serde_json::to_string_pretty(&printed).map_err(CliError::failed)?);
    Ok(())
}

fn printed(place: &Place, language: Language) -> Printed {
    let offered = FunctionName::ALL.into_iter().filter_map(|name| Some((name, arguments_of(name)?)));
    let tools = offered.map(|(name, arguments)| Tool::of(name, &arguments, place, language)).collect();
    Printed { tools, prompt: prompt::section(&left_out(), language) }
}

/// Preferred names of the arguments that a function takes; `None` for one that the service does not answer.
fn arguments_of(function: FunctionName) -> Option<Vec<&'static str>> {
    Argument::of(function).map(|arguments| arguments.iter().copied().map(Argument::name).collect())
}

fn left_out() -> Vec<FunctionName> {
    FunctionName::ALL.into_iter().filter(|name| arguments_of(*name).is_none()).collect()
}

fn left_out_note() -> Option<String> {
    let names: Vec<&str> = left_out().into_iter().map(FunctionName::as_str).collect();
    (!names.is_empty()).then(|| {
        format!("left out, not built yet: {}; the prompt offers a callback instead", names.join(", "))
    })
}

/// The characters of slugs: the address must stay what it is.
fn slug(text: &str) -> Result<String, String> {
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if text.is_empty() || !text.chars().all(fits) {
        return Err("give the company's slug: a-z, 0-9 and -".to_owned());
    }
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests;
