//! Memory and processor time of the whole sandbox, sampled.
//!
//! Granularity: one sample per [`INTERVAL`]. A command can exceed its memory ceiling by what its
//! processes touch in that time; the limit per process (`RLIMIT_DATA`) bounds one that is quicker.
//! Memory is counted exactly only near the ceiling: the sum of resident pages is cheap and counts
//! shared pages once per process, so it may only raise the question.

use std::time::{Duration, Instant};

use super::watch::Watch;

/// Time between two samples.
pub(super) const INTERVAL: Duration = Duration::from_millis(100);
/// An exact count is repeated after this time, or when the cheap sum has grown by an eighth.
const EXACT_INTERVAL: Duration = Duration::from_millis(500);

/// What the samples have shown so far.
#[derive(Debug, Default)]
pub(super) struct Usage {
    pub(super) cpu_ms: u64,
    pub(super) peak_bytes: u64,
    last_exact: Option<(Instant, u64)>,
    blind_samples: u32,
}

/// What a sample says about memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    Within,
    Beyond,
    /// No process can be seen, and has not been for several samples: the limits cannot be held.
    Blind,
}

/// One empty sample happens when everything is ending; this many in a row do not.
const BLIND_SAMPLES: u32 = 10;

impl Usage {
    /// Takes a sample and compares memory with the ceiling.
    pub(super) fn sample(&mut self, watch: &Watch, ceiling_bytes: u64) -> Verdict {
        let page = rustix::param::page_size() as u64;
        let ticks_per_second = rustix::param::clock_ticks_per_second().max(1);
        let (mut ticks, mut resident, mut private, mut largest_shared) = (0, 0, 0, 0);
        let mut counted = Vec::new();
        for process in watch.processes() {
            ticks += process.ticks;
            let Some((total, shared)) = watch.read(process.pid, "statm").and_then(|line| parse_statm(&line))
            else {
                continue;
            };
            resident += total * page;
            private += total.saturating_sub(shared) * page;
            largest_shared = largest_shared.max(shared * page);
            counted.push((process.pid, total.saturating_sub(shared) * page));
        }
        self.blind_samples = if counted.is_empty() { self.blind_samples + 1 } else { 0 };
        if self.blind_samples >= BLIND_SAMPLES {
            return Verdict::Blind;
        }
        // Times of a process that nobody reaped are lost; the sum must not go back.
        self.cpu_ms = self.cpu_ms.max(ticks * 1000 / ticks_per_second);
        self.peak_bytes = self.peak_bytes.max(private + largest_shared);
        if resident <= ceiling_bytes || !self.exact_is_due(resident) {
            return Verdict::Within;
        }
        let exact = |(pid, private): &(u32, u64)| {
            // A process that hides the exact figure counts with all of its private memory.
            watch.read(*pid, "smaps_rollup").and_then(|text| parse_rollup(&text)).unwrap_or(*private)
        };
        if counted.iter().map(exact).sum::<u64>() > ceiling_bytes { Verdict::Beyond } else { Verdict::Within }
    }

    fn exact_is_due(&mut self, resident: u64) -> bool {
        let now = Instant::now();
        let due = self
            .last_exact
            .is_none_or(|(at, then)| now - at >= EXACT_INTERVAL || resident > then.saturating_add(then / 8));
        if due {
            self.last_exact = Some((now, resident));
        }
        due
    }
}

/// Total and shared resident pages.
fn parse_statm(line: &str) -> Option<(u64, u64)> {
    let mut fields = line.split_ascii_whitespace().skip(1).map(str::parse);
    Some((fields.next()?.ok()?, fields.next()?.ok()?))
}

/// Bytes that would be free without this process: its share of anonymous and shared memory, and
/// what is swapped out. Pages of files are left out, the kernel can drop them.
fn parse_rollup(text: &str) -> Option<u64> {
    let field = |name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name))?;
        line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()
    };
    Some((field("Pss_Anon:")? + field("Pss_Shmem:")? + field("SwapPss:").unwrap_or(0)) * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn proc_files_are_read() {
        assert_eq!(parse_statm("100 40 10 1 0 20 0\n"), Some((40, 10)));
        assert_eq!(parse_statm("100"), None);
        let rollup =
            "0-1 ---p 0 0:0 0 [rollup]\nRss: 9 kB\nPss_Anon:  8 kB\nPss_Shmem: 2 kB\nSwapPss: 1 kB\n";
        assert_eq!(parse_rollup(rollup), Some(11 * 1024));
        assert_eq!(parse_rollup(""), None);
    }
}
