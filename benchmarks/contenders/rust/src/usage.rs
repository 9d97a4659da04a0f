//! Processor time and peak memory of this process, as `benchmarks/usage.py` measures them.

use serde_json::{json, Value};
use std::fs;

pub struct Usage {
    cpu: f64,
    peak: u64,
}

impl Usage {
    /// Begins to measure; memory used before does not count.
    pub fn begin() -> Usage {
        let _ = fs::write("/proc/self/clear_refs", "5"); // resets the kernel's peak to the current memory
        Usage { cpu: cpu(), peak: peak() }
    }

    /// Returns the figures of the work that is done now.
    pub fn report(&self, seconds: f64, bytes: u64) -> Value {
        let top = peak();
        json!({
            "seconds": seconds,
            "bytes": bytes,
            "cpu": cpu() - self.cpu,
            "memory": top - self.peak,
            "peak": top,
        })
    }
}

/// Seconds of all processors that this process has used.
fn cpu() -> f64 {
    let usage = own_usage();
    let seconds = |time: libc::timeval| time.tv_sec as f64 + time.tv_usec as f64 / 1e6;
    seconds(usage.ru_utime) + seconds(usage.ru_stime)
}

/// Bytes of memory at the peak, since it was last reset.
fn peak() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    match line.and_then(|text| text.split_whitespace().next()?.parse::<u64>().ok()) {
        Some(kib) => kib * 1024,
        None => own_usage().ru_maxrss as u64, // not Linux
    }
}

fn own_usage() -> libc::rusage {
    // SAFETY: a rusage of zeros is valid, and getrusage fills it.
    unsafe {
        let mut usage: libc::rusage = std::mem::zeroed();
        libc::getrusage(libc::RUSAGE_SELF, &mut usage);
        usage
    }
}
