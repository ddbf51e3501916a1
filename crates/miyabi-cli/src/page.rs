//! The error reference, as it is embedded in the program: pages, and the parts of them that errors quote.

use miyabi_core::error::ErrorCode;

use crate::terminal::Lang;

/// The whole page of a code.
pub(crate) fn of(code: ErrorCode, lang: Lang) -> &'static str {
    match lang {
        Lang::En => code.page(),
        Lang::Ja => code.page_in_japanese(),
    }
}

/// What happened, in one sentence: a page's second paragraph.
pub(crate) fn summary(code: ErrorCode, lang: Lang) -> String {
    joined(of(code, lang).split("\n\n").nth(1).unwrap_or_default(), lang)
}

/// What to do: the first sentence below a page's last heading.
pub(crate) fn advice(code: ErrorCode, lang: Lang) -> String {
    let part = of(code, lang).rsplit("\n## ").next().unwrap_or_default();
    let paragraph = joined(part.split("\n\n").nth(1).unwrap_or_default(), lang);
    let end = match lang {
        Lang::En => paragraph.find(". ").map(|at| at + 1),
        Lang::Ja => paragraph.find('。').map(|at| at + '。'.len_utf8()),
    };
    let sentence = paragraph.get(..end.unwrap_or(paragraph.len())).unwrap_or(&paragraph);
    sentence.trim_end_matches([':', '：']).to_owned()
}

/// A paragraph's lines as one. Japanese has no blank at a line's end.
fn joined(paragraph: &str, lang: Lang) -> String {
    let glue = match lang {
        Lang::En => " ",
        Lang::Ja => "",
    };
    paragraph.lines().map(str::trim).collect::<Vec<_>>().join(glue)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_page_has_a_summary_and_an_advice_in_both_languages() {
        for code in ErrorCode::ALL {
            for (lang, stop) in [(Lang::En, '.'), (Lang::Ja, '。')] {
                let (summary, advice) = (summary(*code, lang), advice(*code, lang));
                assert!(summary.ends_with(stop), "{code} {lang:?}: {summary}");
                assert!(advice.chars().count() > 8, "{code} {lang:?}: {advice}");
            }
        }
    }
}
