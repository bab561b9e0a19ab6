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
  # Before 2025-05-05 a Worker has no FinalizationRegistry. Node's modules are off.
  compatibilityDate = "2024-01-01",
);
