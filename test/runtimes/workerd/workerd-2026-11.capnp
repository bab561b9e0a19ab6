# The bundle is found by the option `--import-path`. The port is a free one.
using Workerd = import "/workerd/workerd.capnp";

const config :Workerd.Config = (
  services = [
    (name = "main", worker = .worker),
    # By default a Worker reaches public addresses only. This one reaches only this machine.
    (name = "internet", network = (allow = ["local"])),
  ],
  sockets = [ (name = "http", address = "127.0.0.1:0", http = (), service = "main") ],
);

const worker :Workerd.Worker = (
  modules = [ (name = "worker", esModule = embed "/worker.js") ],
  # Node's modules are on, as they are by default since 2026-08-04.
  compatibilityDate = "2026-11-01",
);
