//! Well-known endpoints at which models generate: what they are asked is traffic, not administration.
//!
//! Owns their list, and what a request must say where a path alone could be anybody's: `/v1/messages`
//! may send somebody a message. Such an endpoint counts only if the body is that of a call to a
//! model ([`Shape`]). Whatever is not certain is no generation, and stays audited: the path must lead
//! to the same endpoint in each of its readings, by the very letters, and nothing may stand for
//! another method, path or operation. Some applications do not go by the path at all: so the query
//! holds nothing but known parameters, and the body is an object that says nothing of JSON-RPC,
//! GraphQL or the like.
//!
//! What a client writes into a body it can write into any body. So a shape keeps chance, not
//! intent, from taking an administrative request for a generation; who has such an API at one of
//! these paths switches this off.

mod call;
#[cfg(test)]
mod tests;

pub use call::{Call, is_model};

use std::collections::HashMap;
use std::sync::LazyLock;

use super::{Readings, Safety};

/// What the body of a call must have: of each list at least one member.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shape(&'static [&'static [&'static str]]);

/// An endpoint at which models generate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Endpoint {
    /// `*` stands for a segment, or for the front of one.
    path: &'static str,
    shape: Shape,
}

impl Endpoint {
    /// What the body must look like.
    pub(super) fn shape(&self) -> Shape {
        self.shape
    }

    fn takes(&self, path: &[u8]) -> bool {
        takes(self.path.as_bytes(), path)
    }
}

fn takes(pattern: &[u8], path: &[u8]) -> bool {
    let mut segments = path.split(|byte| *byte == b'/');
    let mut patterns = pattern.split(|byte| *byte == b'/');
    loop {
        match (patterns.next(), segments.next()) {
            (None, None) => return true,
            (Some(pattern), Some(segment)) if fits(pattern, segment) => {}
            _ => return false,
        }
    }
}

fn fits(pattern: &[u8], segment: &[u8]) -> bool {
    match pattern.split_first() {
        Some((b'*', end)) => segment.len() > end.len() && segment.ends_with(end),
        _ => pattern == segment,
    }
}

/// Where the path says enough. Below what gateways and providers put in front.
///   OpenAI: <https://platform.openai.com/docs/api-reference>
///   Azure: <https://learn.microsoft.com/en-us/azure/ai-foundry/openai/reference>
///   Gemini, Vertex AI: <https://ai.google.dev/api>, <https://cloud.google.com/vertex-ai/docs/reference/rest>
///   Bedrock: <https://docs.aws.amazon.com/bedrock/latest/APIReference/API_Operations_Amazon_Bedrock_Runtime.html>
///   Cloudflare: <https://developers.cloudflare.com/ai-gateway/usage/providers/>,
///     <https://developers.cloudflare.com/workers-ai/get-started/rest-api/>
///   LiteLLM: <https://docs.litellm.ai/docs/proxy/user_keys>
///   Azure AI, Open WebUI, Alibaba, Zhipu, Volcengine: <https://learn.microsoft.com/en-us/rest/api/aifoundry/modelinference/>,
///     <https://docs.openwebui.com/getting-started/api-endpoints/>, <https://help.aliyun.com/zh/model-studio/>,
///     <https://docs.bigmodel.cn>, <https://www.volcengine.com/docs/82379>
const CERTAIN: &[&str] = &[
    "/chat/completions",
    "/v1/chat/completions",
    "/api/v1/chat/completions",
    "/openai/chat/completions",
    "/openai/v1/chat/completions",
    "/inference/v1/chat/completions",
    "/api/chat/completions",
    "/api/openai/v1/chat/completions",
    "/api/paas/v4/chat/completions",
    "/api/v3/chat/completions",
    "/compatible-mode/v1/chat/completions",
    "/engines/*/chat/completions",
    "/models/chat/completions",
    "/v1beta/openai/chat/completions",
    "/v1/*/*/openai/chat/completions",
    "/v1/*/*/compat/chat/completions",
    "/openai/deployments/*/chat/completions",
    "/openai/deployments/*/completions",
    "/openai/deployments/*/embeddings",
    "/openai/deployments/*/images/generations",
    "/openai/deployments/*/images/edits",
    "/openai/deployments/*/audio/speech",
    "/openai/deployments/*/audio/transcriptions",
    "/openai/deployments/*/audio/translations",
    "/anthropic/v1/messages",
    "/v1/*/*/anthropic/v1/messages",
    "/v1/models/*:generateContent",
    "/v1/models/*:streamGenerateContent",
    "/v1/models/*:embedContent",
    "/v1/models/*:batchEmbedContents",
    "/v1beta/models/*:generateContent",
    "/v1beta/models/*:streamGenerateContent",
    "/v1beta/models/*:embedContent",
    "/v1beta/models/*:batchEmbedContents",
    "/v1beta/tunedModels/*:generateContent",
    "/v1beta/tunedModels/*:streamGenerateContent",
    "/v1/projects/*/locations/*/publishers/*/models/*:generateContent",
    "/v1/projects/*/locations/*/publishers/*/models/*:streamGenerateContent",
    "/v1/projects/*/locations/*/publishers/*/models/*:predict",
    "/v1/projects/*/locations/*/publishers/*/models/*:rawPredict",
    "/v1/projects/*/locations/*/publishers/*/models/*:streamRawPredict",
    "/v1/projects/*/locations/*/endpoints/*/chat/completions",
    "/v1beta1/projects/*/locations/*/publishers/*/models/*:generateContent",
    "/v1beta1/projects/*/locations/*/publishers/*/models/*:streamGenerateContent",
    "/v1beta1/projects/*/locations/*/endpoints/*/chat/completions",
    "/client/v4/accounts/*/ai/run/@cf/*/*",
    "/v1/*/*/workers-ai/@cf/*/*",
    "/model/*/invoke",
    "/model/*/invoke-with-response-stream",
    "/model/*/converse",
    "/model/*/converse-stream",
];

/// Where the path says enough: an object of whatever members.
const ANY: Shape = Shape(&[]);
const CHAT: Shape = Shape(&[&["model"], &["messages"]]);
const PROMPT: Shape = Shape(&[&["model"], &["prompt"]]);
const INPUT: Shape = Shape(&[&["model"], &["input"]]);
const RESPONSE: Shape = Shape(&[&["model"], &["input", "prompt"]]);
const IMAGE: Shape = Shape(&[&["model"], &["prompt", "image", "image[]"]]);
const SOUND: Shape = Shape(&[&["model"], &["file"]]);
const RANK: Shape = Shape(&[&["model"], &["query"], &["documents"]]);
const SCORE: Shape =
    Shape(&[&["messages", "prompt", "input", "inputs", "instances", "dataframe_split"]]);
const EMBED: Shape = Shape(&[&["model"], &["texts", "images", "inputs", "input"]]);

/// Where the path could be anybody's.
///   OpenAI, and those that speak as it does: <https://platform.openai.com/docs/api-reference>
///   Anthropic: <https://docs.anthropic.com/en/api/messages>
///   Mistral: <https://docs.mistral.ai/api>
///   Cohere: <https://docs.cohere.com/reference/chat>, …/embed, …/rerank
///   Ollama: <https://github.com/ollama/ollama/blob/main/docs/api.md>
///   vLLM: <https://docs.vllm.ai/en/latest/serving/openai_compatible_server.html>
///   Databricks: <https://docs.databricks.com/api/workspace/servingendpoints/query>
///   watsonx: <https://cloud.ibm.com/apidocs/watsonx-ai>
///   Triton: <https://docs.nvidia.com/deeplearning/triton-inference-server/user-guide/docs/protocol/extension_generate.html>
const BY_BODY: &[(&str, Shape)] = &[
    ("/v1/completions", PROMPT),
    ("/openai/v1/completions", PROMPT),
    ("/api/v1/completions", PROMPT),
    ("/v1/complete", PROMPT),
    ("/v1/fim/completions", PROMPT),
    ("/v1/agents/completions", Shape(&[&["agent_id"], &["messages"]])),
    ("/v1/responses", RESPONSE),
    ("/responses", RESPONSE),
    ("/openai/responses", RESPONSE),
    ("/openai/v1/responses", RESPONSE),
    ("/api/v1/responses", RESPONSE),
    ("/v1/messages", CHAT),
    ("/api/v1/messages", CHAT),
    ("/v1/embeddings", INPUT),
    ("/embeddings", INPUT),
    ("/openai/v1/embeddings", INPUT),
    ("/api/v1/embeddings", INPUT),
    ("/v1/moderations", INPUT),
    ("/v1/images/generations", IMAGE),
    ("/v1/images/edits", IMAGE),
    ("/v1/images/variations", IMAGE),
    ("/openai/v1/images/generations", IMAGE),
    ("/v1/audio/speech", INPUT),
    ("/v1/audio/transcriptions", SOUND),
    ("/v1/audio/translations", SOUND),
    ("/rerank", RANK),
    ("/v1/rerank", RANK),
    ("/v2/rerank", RANK),
    ("/v1/chat", Shape(&[&["model"], &["message"]])),
    ("/v2/chat", CHAT),
    ("/v1/generate", PROMPT),
    ("/v1/embed", EMBED),
    ("/v2/embed", EMBED),
    ("/api/chat", CHAT),
    ("/api/generate", PROMPT),
    ("/api/embed", INPUT),
    ("/api/embeddings", PROMPT),
    ("/engines/*/completions", Shape(&[&["prompt"]])),
    ("/engines/*/embeddings", Shape(&[&["input"]])),
    ("/compatible-mode/v1/embeddings", INPUT),
    ("/api/paas/v4/embeddings", INPUT),
    ("/serving-endpoints/*/invocations", SCORE),
    ("/ml/v1/text/chat", Shape(&[&["model_id"], &["messages"]])),
    ("/ml/v1/text/chat_stream", Shape(&[&["model_id"], &["messages"]])),
    ("/ml/v1/text/generation", Shape(&[&["model_id"], &["input"]])),
    ("/ml/v1/text/generation_stream", Shape(&[&["model_id"], &["input"]])),
    ("/ml/v1/text/embeddings", Shape(&[&["model_id"], &["inputs"]])),
    ("/v1/engines/*/completions", Shape(&[&["prompt"]])),
    ("/v2/models/*/infer", Shape(&[&["inputs"]])),
    ("/v2/models/*/generate", Shape(&[&["text_input"]])),
    ("/v2/models/*/generate_stream", Shape(&[&["text_input"]])),
];

/// All endpoints, by how their paths end.
static ENDPOINTS: LazyLock<HashMap<&'static [u8], Vec<Endpoint>>> = LazyLock::new(|| {
    let certain = CERTAIN.iter().map(|path| Endpoint { path, shape: ANY });
    let by_body = BY_BODY.iter().map(|(path, shape)| Endpoint { path, shape: *shape });
    let mut endpoints: HashMap<&[u8], Vec<Endpoint>> = HashMap::new();
    for endpoint in certain.chain(by_body) {
        endpoints.entry(ending(endpoint.path.as_bytes())).or_default().push(endpoint);
    }
    endpoints
});

/// The last segment, or its verb with the colon.
fn ending(path: &[u8]) -> &[u8] {
    let last = path.rsplit(|byte| *byte == b'/').next().unwrap_or_default();
    let verb = last.iter().rposition(|byte| *byte == b':');
    verb.and_then(|at| last.get(at..)).unwrap_or(last)
}

fn find(path: &[u8]) -> Option<Endpoint> {
    // Some end with the name of a model.
    let known = [ending(path), b"*"].into_iter().filter_map(|end| ENDPOINTS.get(end)).flatten();
    known.copied().find(|endpoint| endpoint.takes(path))
}

/// What calls to models have in their queries: versions, forms of the answer, keys.
const PARAMETERS: &[&str] = &[
    "api-version",
    "version",
    "alt",
    "$alt",
    "prettyPrint",
    "beta",
    "stream",
    "key",
    "api-key",
    "api_key",
    "apikey",
    "subscription-key",
    "access_token",
];

/// Whether each parameter is one that calls to models have. Others may name what is to be done
/// (`?rest_route=/users/1`, `?action=delete`), whatever the path says.
fn has_known_parameters(query: &str) -> bool {
    let parameters = query.split(['&', ';', '?']).filter(|parameter| !parameter.is_empty());
    let mut names = parameters.filter_map(|parameter| parameter.split('=').next());
    names.all(|name| PARAMETERS.contains(&name))
}

/// The endpoint that a path leads to for certain; path and query as sent.
pub(super) fn endpoint(path_and_query: &str, method: &str, safety: Safety) -> Option<Endpoint> {
    let (path, query) = path_and_query.split_once('?').unwrap_or((path_and_query, ""));
    if method != "POST" || safety != Safety::Method || !has_known_parameters(query) {
        return None;
    }
    let endpoint = find(path.as_bytes())?;
    let readings = Readings::of(path);
    let is_certain = readings.is_complete() && readings.each().all(|other| endpoint.takes(other));
    is_certain.then_some(endpoint)
}

/// Whether a path may be taken for one of the endpoints in some reading, in whatever case.
pub(super) fn is_plausible(readings: &Readings) -> bool {
    let known = || CERTAIN.iter().chain(BY_BODY.iter().map(|(path, _)| path));
    let is_endpoint = |path: &[u8]| {
        let path = path.strip_suffix(b"/").unwrap_or(path).to_ascii_lowercase();
        known().any(|known| takes(known.to_ascii_lowercase().as_bytes(), &path))
    };
    !readings.is_complete() || readings.each().any(is_endpoint)
}
