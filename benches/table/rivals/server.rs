//! The bare web server of the rivals: signature checked, and then what the rival does with the body.

use std::{sync::mpsc, thread::JoinHandle};

use actix_web::{
    App, HttpRequest, HttpResponse, HttpServer,
    dev::ServerHandle,
    web::{self, Bytes},
};
use askpro::providers::retell::inbound::{SIGNATURE_HEADER, verify};
use askpro_domain::{secret::Secret, time::UnixMillis};

use crate::support::{days::now_ms, service::WEBHOOK_KEY};

/// Largest body, as the service's own.
const BODY_BYTES_MAX: usize = 8 * 1_024 * 1_024;

/// What is done with a body that is rightly signed.
pub trait Keep: Clone + Send + 'static {
    /// Whether it may be acknowledged.
    fn keep(&self, body: Bytes) -> impl Future<Output = bool>;
}

/// A server on threads of its own, as many as there are cores. Dropping it stops it.
pub struct Server {
    pub address: String,
    handle: ServerHandle,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    pub fn start(keep: impl Keep) -> Self {
        let (tell, told) = mpsc::channel();
        let run = move || actix_web::rt::System::new().block_on(serve(keep, tell));
        let thread = std::thread::spawn(run);
        let (address, handle) = told.recv().unwrap();
        Self { address, handle, thread: Some(thread) }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Sends the order at once; the future only waits.
        drop(self.handle.stop(false));
        let _ = self.thread.take().unwrap().join();
    }
}

async fn serve<K: Keep>(keep: K, tell: mpsc::Sender<(String, ServerHandle)>) {
    let app = move || {
        App::new()
            .app_data(web::Data::new(Secret::new(WEBHOOK_KEY)))
            .app_data(web::Data::new(keep.clone()))
            .app_data(web::PayloadConfig::new(BODY_BYTES_MAX))
            .route("/webhooks/retell", web::post().to(answer::<K>))
    };
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    let server = HttpServer::new(app).workers(workers).disable_signals().bind("127.0.0.1:0").unwrap();
    let address = server.addrs()[0].to_string();
    let server = server.run();
    tell.send((address, server.handle())).unwrap();
    server.await.unwrap();
}

async fn answer<K: Keep>(
    key: web::Data<Secret>,
    keep: web::Data<K>,
    request: HttpRequest,
    body: Bytes,
) -> HttpResponse {
    let header = request.headers().get(SIGNATURE_HEADER).map(|value| value.as_bytes());
    if verify(header, &body, &[&**key], UnixMillis(now_ms())).is_err() {
        return HttpResponse::Unauthorized().finish();
    }
    if keep.keep(body).await { HttpResponse::NoContent() } else { HttpResponse::ServiceUnavailable() }
        .finish()
}
