//! Taskcluster's own Rust client as a contender: `peer VERB ARGUMENTS`, with the verbs, arguments and output of
//! `benchmarks.contender`. Each verb pings the service, and then does its work, which alone is timed.

mod usage;
mod verbs;

use anyhow::{bail, Context, Result};
use serde::de::DeserializeOwned;
use std::future::Future;
use std::time::Instant;

#[tokio::main]
async fn main() -> Result<()> {
    let mut words = std::env::args().skip(1);
    let verb = words.next().context("the verb is missing")?;
    let arguments = words.next().context("the arguments are missing")?;
    match verb.as_str() {
        "download_object" => timed(verbs::download_object(&verbs::objects().await?, read(&arguments)?)).await,
        "download_artifact" => timed(verbs::download_artifact(&verbs::queue().await?, read(&arguments)?)).await,
        "upload_object" => timed(verbs::upload_object(&verbs::objects().await?, read(&arguments)?)).await,
        "small_objects" => timed(verbs::small_objects(&verbs::objects().await?, read(&arguments)?)).await,
        "download_payload" => timed(verbs::download_payload(&verbs::queue().await?, read(&arguments)?)).await,
        "json_calls" => timed(verbs::json_calls(&verbs::objects().await?, read(&arguments)?)).await,
        _ => bail!("there is no verb {verb}"),
    }
}

fn read<T: DeserializeOwned>(arguments: &str) -> Result<T> {
    serde_json::from_str(arguments).context("arguments are JSON")
}

/// Does the work and prints what it took.
async fn timed(work: impl Future<Output = Result<u64>>) -> Result<()> {
    let before = usage::Usage::begin();
    let started = Instant::now();
    let bytes = work.await?;
    let seconds = started.elapsed().as_secs_f64();
    println!("{}", before.report(seconds, bytes));
    Ok(())
}
