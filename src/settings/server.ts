import type { Setting } from "./setting.ts";

/** Where the server listens, who it trusts, where its things lie, its workers. */
export const SERVER_SETTINGS = {
  port: {
    name: "PORT",
    type: "integer",
    min: 0,
    max: 65535,
    default: 8080,
    meaning: "Port to listen on; 0 takes a free one.",
  },
  host: { name: "HOST", type: "text", default: "127.0.0.1", minLength: 1, meaning: "Address to listen on." },
  idleTimeoutSeconds: {
    name: "PINHOLE_IDLE_TIMEOUT_SECONDS",
    type: "integer",
    min: 5,
    max: 255,
    default: 60,
    unit: "s",
    meaning:
      "A connection on which nothing is sent and nothing is being answered is closed after so long; longer than the proxy in front keeps one.",
  },
  environment: {
    name: "PINHOLE_ENVIRONMENT",
    type: "choice",
    choices: ["development", "staging", "production"],
    default: "development",
    meaning:
      "Which `.env.<environment>` file is read, and whether operator reads are open on loopback (development only).",
  },
  operatorToken: {
    name: "PINHOLE_OPERATOR_TOKEN",
    type: "text",
    default: "",
    minLength: 32,
    // RFC 6750, section 2.1: anything else could never be sent.
    pattern: { test: /^[A-Za-z0-9._~+/-]+=*$/, words: "letters, digits, - . _ ~ + / and = at the end" },
    secret: true,
    meaning: "Bearer token for operator routes; without one they are closed.",
  },
  hostsAllowed: {
    name: "PINHOLE_HOSTS_ALLOWED",
    type: "list",
    default: [],
    meaning: "Host names that are ours; others get 421. Empty: any host.",
  },
  trustedProxies: {
    name: "PINHOLE_TRUSTED_PROXIES",
    type: "list",
    default: [],
    meaning: "Addresses or CIDR ranges whose X-Forwarded-For and X-Forwarded-Proto are believed.",
  },
  httpsRedirect: {
    name: "PINHOLE_HTTPS_REDIRECT",
    type: "boolean",
    default: false,
    meaning:
      "Whether requests that came to a trusted proxy over plain HTTP are sent to HTTPS (GET, HEAD) or refused.",
  },
  hsts: {
    name: "PINHOLE_HSTS",
    type: "choice",
    choices: ["auto", "always", "never"],
    default: "auto",
    meaning: "When Strict-Transport-Security is sent; auto: where a trusted proxy says that TLS was used.",
  },
  corsOrigins: {
    name: "PINHOLE_CORS_ORIGINS",
    type: "list",
    default: [],
    meaning: "Origins whose pages may call and read the API (`https://app.example`). Empty: none.",
  },
  modelsDir: {
    name: "PINHOLE_MODELS_DIR",
    type: "text",
    default: "models",
    minLength: 1,
    meaning: "The model repository: `<name>/<version>/manifest.json`.",
  },
  modelDefault: {
    name: "PINHOLE_MODEL_DEFAULT",
    type: "text",
    default: "leaf-disease",
    minLength: 1,
    meaning: "Model for requests that name none: a name (its newest version) or name/version.",
  },
  dataDir: {
    name: "PINHOLE_DATA_DIR",
    type: "text",
    default: "data",
    minLength: 1,
    meaning: "Everything that must outlive the process: database, secret of the client-key hash.",
  },
  workerCount: {
    name: "PINHOLE_WORKER_COUNT",
    type: "integer",
    min: 0,
    max: 256,
    default: 0,
    meaning: "Worker threads; 0: one for each core that the process may use (cgroup limits included).",
  },
  workerWedgedMs: {
    name: "PINHOLE_WORKER_WEDGED_MS",
    type: "integer",
    min: 0,
    max: 3_600_000,
    default: 0,
    unit: "ms",
    meaning:
      "A worker that runs one batch for longer is taken for wedged, passed over and replaced; 0: the deadline and 5 s.",
  },
  workerRecycleBatches: {
    name: "PINHOLE_WORKER_RECYCLE_BATCHES",
    type: "integer",
    min: 0,
    max: 1_000_000_000,
    default: 1_000_000,
    unit: "batches",
    meaning:
      "Batches (a tenth more or less by chance) after which a worker makes room for a fresh one; 0: never.",
  },
} as const satisfies Record<string, Setting>;
