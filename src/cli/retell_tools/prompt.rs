//! A section for the agent's prompt: how to use the tools, and what their answers mean.

use askpro_domain::{
    function::{FunctionName, briefing},
    tenant::Language,
};

const DE: &str = include_str!("prompt_de.md");
const EN: &str = include_str!("prompt_en.md");

/// The section, with what cannot be done by a tool yet at its end.
pub(super) fn section(left_out: &[FunctionName], language: Language) -> String {
    let text = match language {
        Language::De => DE,
        Language::En => EN,
    };
    let mut section = text.trim_end().to_owned();
    let titles: Vec<&str> = left_out.iter().map(|name| briefing::function(*name, language).title).collect();
    if !titles.is_empty() {
        let (before, after) = match language {
            Language::De => ("Das kannst du nicht selbst", "Biete dafür einen Rückruf an"),
            Language::En => ("You cannot do this yourself", "Offer a callback for it"),
        };
        section.push_str(&format!("\n- {before}: {}. {after} (`request_callback`).", titles.join(", ")));
    }
    section.push('\n');
    section
}
