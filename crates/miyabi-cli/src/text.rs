//! Every sentence the program says, in its languages side by side.
//!
//! A message is a function of [`Lang`], so one without a translation does not compile.

use std::fmt::Display;

use crate::terminal::Lang;

macro_rules! messages {
    ($($(#[$doc:meta])* $name:ident($($argument:ident),*) { $en:literal, $ja:literal $(,)? })*) => {
        impl Lang {
            $($(#[$doc])*
            pub(crate) fn $name(self $(, $argument: impl Display)*) -> String {
                match self {
                    Self::En => format!($en),
                    Self::Ja => format!($ja),
                }
            })*
        }
    };
}

messages! {
    /// A run was interrupted in this process.
    paused(run) {
        "Paused. Go on: miyabi watch {run}",
        "一時停止しました。続けるには: miyabi watch {run}",
    }
    /// A run is followed that another process drives.
    detached(run) {
        "Detached. The run continues: miyabi watch {run}. Stop it: miyabi stop {run}",
        "表示を終えました。実行は続いています: miyabi watch {run}。止めるには: miyabi stop {run}",
    }
}
