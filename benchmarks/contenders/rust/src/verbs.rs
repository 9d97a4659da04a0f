//! The work of each verb, done with the published crates as their documentation shows.

use anyhow::{Context, Result};
use serde::Deserialize;
use std::path::{Path, PathBuf};
use taskcluster::chrono::{Duration, Utc};
use taskcluster::{ClientBuilder, Credentials, Object, Queue, Retry};
use taskcluster_download::{download_artifact_to_file, download_to_file};
use taskcluster_upload::upload_from_file;
use tokio::fs::{create_dir_all, File};

#[derive(Deserialize)]
pub struct ObjectDown {
    name: String,
    destination: PathBuf,
}

#[derive(Deserialize)]
pub struct ArtifactDown {
    task_id: String,
    name: String,
    destination: PathBuf,
}

#[derive(Deserialize)]
pub struct ObjectUp {
    name: String,
    source: PathBuf,
}

#[derive(Deserialize)]
pub struct Small {
    names: Vec<String>,
    source: PathBuf,
    destination: PathBuf,
}

#[derive(Deserialize)]
pub struct Payload {
    task_id: String,
    destination: PathBuf,
}

#[derive(Deserialize)]
pub struct Calls {
    name: String,
    count: usize,
}

pub async fn objects() -> Result<Object> {
    let service = Object::new(client()?)?;
    service.ping().await?;
    Ok(service)
}

pub async fn queue() -> Result<Queue> {
    let service = Queue::new(client()?)?;
    service.ping().await?;
    Ok(service)
}

fn client() -> Result<ClientBuilder> {
    Ok(ClientBuilder::new(root_url()?).credentials(Credentials::from_env()?))
}

fn root_url() -> Result<String> {
    std::env::var("TASKCLUSTER_ROOT_URL").context("TASKCLUSTER_ROOT_URL")
}

/// Downloads an object to a file.
pub async fn download_object(service: &Object, wanted: ObjectDown) -> Result<u64> {
    download(service, &wanted.name, &wanted.destination).await
}

/// Downloads an artifact to a file.
pub async fn download_artifact(service: &Queue, wanted: ArtifactDown) -> Result<u64> {
    artifact(service, &wanted.task_id, &wanted.name, &wanted.destination).await
}

/// Uploads a file to an object.
pub async fn upload_object(service: &Object, given: ObjectUp) -> Result<u64> {
    upload(service, &given.name, &given.source).await
}

/// Uploads one small file under many names, then downloads all of them, one after the other.
pub async fn small_objects(service: &Object, small: Small) -> Result<u64> {
    let mut moved = 0;
    for name in &small.names {
        moved += upload(service, name, &small.source).await?;
    }
    for (number, name) in small.names.iter().enumerate() {
        moved += download(service, name, &small.destination.join(number.to_string())).await?;
    }
    Ok(moved)
}

/// Downloads all artifacts of a task into a folder, one after the other.
pub async fn download_payload(service: &Queue, payload: Payload) -> Result<u64> {
    let mut moved = 0;
    for listed in artifacts(service, &payload.task_id).await? {
        let path = payload.destination.join(&listed.name);
        create_dir_all(path.parent().context("it is in the folder")?).await?;
        moved += match listed.storage_type.as_str() {
            "object" => object_artifact(service, &payload.task_id, &listed.name, &path).await?,
            _ => artifact(service, &payload.task_id, &listed.name, &path).await?,
        };
    }
    Ok(moved)
}

/// Makes many metadata calls.
pub async fn json_calls(service: &Object, calls: Calls) -> Result<u64> {
    for _ in 0..calls.count {
        service.object(&calls.name).await?;
    }
    Ok(0)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Listed {
    name: String,
    storage_type: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Page {
    artifacts: Vec<Listed>,
    continuation_token: Option<String>,
}

#[derive(Deserialize)]
struct Located {
    name: String,
    credentials: Credentials,
}

async fn artifacts(service: &Queue, task_id: &str) -> Result<Vec<Listed>> {
    let mut found = Vec::new();
    let mut token: Option<String> = None;
    loop {
        let page = service.listLatestArtifacts(task_id, token.as_deref(), None).await?;
        let page: Page = serde_json::from_value(page)?;
        found.extend(page.artifacts);
        token = page.continuation_token;
        if token.is_none() {
            return Ok(found);
        }
    }
}

/// Downloads an artifact that is an object with the steps of `download_artifact_to_file`, which fails here: it reads
/// the fields `client_id` and `access_token`, and the queue sends `clientId` and `accessToken`.
async fn object_artifact(service: &Queue, task_id: &str, name: &str, path: &Path) -> Result<u64> {
    let located: Located = serde_json::from_value(service.latestArtifact(task_id, name).await?)?;
    let objects = Object::new(ClientBuilder::new(root_url()?).credentials(located.credentials))?;
    download(&objects, &located.name, path).await
}

async fn download(service: &Object, name: &str, path: &Path) -> Result<u64> {
    let file = File::create(path).await?;
    let (file, _) = download_to_file(name, &Retry::default(), service, file).await?;
    Ok(file.metadata().await?.len())
}

async fn artifact(service: &Queue, task_id: &str, name: &str, path: &Path) -> Result<u64> {
    let file = File::create(path).await?;
    let (file, _) = download_artifact_to_file(task_id, None, name, &Retry::default(), service, file).await?;
    Ok(file.metadata().await?.len())
}

async fn upload(service: &Object, name: &str, path: &Path) -> Result<u64> {
    let project = std::env::var("BENCHMARK_PROJECT").context("BENCHMARK_PROJECT")?;
    let expires = Utc::now() + Duration::days(1);
    let file = File::open(path).await?;
    let size = file.metadata().await?.len();
    let (retry, id) = (Retry::default(), slugid::v4());
    upload_from_file(&project, name, "application/octet-stream", &expires, file, &retry, service, &id).await?;
    Ok(size)
}
