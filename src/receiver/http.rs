//! OTLP/HTTP: `POST /v1/traces`, protobuf or JSON, over HTTP/1.1 and HTTP/2.

mod body;
mod compress;
mod cors;
mod head;

use std::sync::Arc;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{Method, Request, Response};
use hyper::body::Incoming;

use super::answer::{AnswerBody, http_success_body};
use super::config::HttpConfig;
use super::connection::Answer;
use super::ingest::{Accepted, Ingest};
use super::intake::{Intake, SentBody};
use super::status::{Encoding, Failure};
use body::BodyLimits;
use cors::Cors;

const TRACES_PATH: &str = "/v1/traces";

/// Answers the requests of the HTTP port.
pub(super) struct HttpService<I> {
    intake: Arc<Intake<I>>,
    limits: BodyLimits,
    cors: Option<Cors>,
}

impl<I: Ingest> HttpService<I> {
    pub(super) fn new(config: &HttpConfig, intake: Arc<Intake<I>>) -> Self {
        Self {
            intake,
            limits: BodyLimits {
                bytes_max: config.max_request_size_bytes,
                read_timeout: config.read_timeout,
            },
            cors: config.cors.clone().map(Cors::new),
        }
    }

    async fn answer_export(
        &self,
        head: &http::request::Parts,
        mut body: Incoming,
    ) -> Response<AnswerBody> {
        let metrics = &self.intake.metrics.http;
        let started = self.intake.clock.now();
        let encoding = head::encoding(&head.headers);
        let answer_encoding = encoding.clone().unwrap_or(Encoding::Json);
        let is_export = head.uri.path() == TRACES_PATH && head.method == Method::POST;
        if is_export {
            match answer_encoding {
                Encoding::Json => metrics.requests_json.increment(1),
                Encoding::Protobuf => metrics.requests_protobuf.increment(1),
            }
        }
        let mut answer = match self.try_export(head, encoding, &mut body).await {
            Ok(accepted) => success(accepted, answer_encoding),
            Err(failure) => {
                self.limits.discard_rest(head, &mut body).await;
                failure.count(&self.intake.metrics.refused);
                failure.to_http(answer_encoding, self.intake.retry_after)
            }
        };
        if head::wants_gzip(&head.headers) {
            compress::gzip(&mut answer);
        }
        if is_export {
            let took = self.intake.clock.now().since(started);
            metrics.request_duration.record(took.as_secs_f64());
        }
        answer
    }

    async fn try_export(
        &self,
        head: &http::request::Parts,
        encoding: Result<Encoding, Failure>,
        body: &mut Incoming,
    ) -> Result<Accepted, Failure> {
        check_route(head)?;
        let encoding = encoding?;
        let compression = head::compression(&head.headers)?;
        self.intake.admission.check_open()?;
        let hold = self.intake.admission.hold();
        let (bytes, held) = self.limits.read(body, hold).await?;
        let sent = SentBody {
            bytes,
            held,
            compression,
            encoding,
        };
        self.intake
            .take(sent, &head.headers, self.limits.bytes_max)
            .await
    }
}

impl<I: Ingest> Answer for HttpService<I> {
    async fn answer(&self, request: Request<Incoming>) -> Response<AnswerBody> {
        let (head, body) = request.into_parts();
        let origin = match &self.cors {
            Some(cors) => cors.allowed_origin(&head.headers),
            None => None,
        };
        if let (Some(cors), Some(origin)) = (&self.cors, &origin)
            && cors::is_preflight(&head)
        {
            return cors.preflight(&head.headers, origin);
        }
        let mut answer = self.answer_export(&head, body).await;
        if let Some(origin) = origin {
            cors::allow(answer.headers_mut(), origin);
        }
        answer
    }
}

fn check_route(head: &http::request::Parts) -> Result<(), Failure> {
    match head.uri.path() {
        TRACES_PATH if head.method == Method::POST => Ok(()),
        TRACES_PATH => Err(Failure::UnsupportedMethod(format!(
            "{} is not served: traces are sent with POST",
            head.method
        ))),
        path @ ("/v1/logs" | "/v1/metrics" | "/v1development/profiles") => {
            Err(Failure::UnknownPath(format!(
                "tailsieve takes traces only: {path} is not served, send logs, metrics and profiles elsewhere"
            )))
        }
        path => Err(Failure::UnknownPath(format!(
            "{path} is not served: traces are taken at {TRACES_PATH}"
        ))),
    }
}

fn success(accepted: Accepted, encoding: Encoding) -> Response<AnswerBody> {
    let body: Bytes = http_success_body(accepted, encoding);
    let mut response = Response::new(AnswerBody::whole(body));
    response
        .headers_mut()
        .insert(CONTENT_TYPE, encoding.content_type());
    response
}
