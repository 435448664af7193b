/**
 * Every setting, declared once: name, type, unit, bounds, default, meaning. `config.ts` reads the environment
 * by this table, refuses what does not fit, and the README's table is generated from it.
 */
export type Setting = {
  /** Environment variable. Units are suffixes (`_MS`, `_BYTES`, `_PIXELS`, `_SECONDS`). */
  name: string;
  meaning: string;
  /** Never printed. */
  secret?: boolean;
} & (
  | { type: "integer"; min: number; max: number; default: number; unit?: string }
  | { type: "number"; min: number; max: number; default: number; unit?: string }
  | { type: "boolean"; default: boolean }
  | { type: "choice"; choices: readonly string[]; default: string }
  | {
      type: "text";
      default: string;
      minLength?: number;
      maxLength?: number;
      /** What it must match, and that in words. */
      pattern?: { test: RegExp; words: string };
    }
  | { type: "list"; default: readonly string[]; choices?: readonly string[]; minItems?: number }
);

const MIB = 1024 * 1024;

export const SETTINGS = {
  port: {
    name: "PORT",
    type: "integer",
    min: 0,
    max: 65535,
    default: 8080,
    meaning: "Port to listen on; 0 takes a free one.",
  },
  host: { name: "HOST", type: "text", default: "127.0.0.1", minLength: 1, meaning: "Address to listen on." },
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
    meaning: "Addresses or CIDR ranges whose X-Forwarded-For is believed.",
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
  imageTypes: {
    name: "PINHOLE_IMAGE_TYPES",
    type: "list",
    choices: ["jpeg", "png", "webp", "gif"],
    default: ["jpeg", "png", "webp", "gif"],
    minItems: 1,
    meaning: "Image types that are taken.",
  },
  imageMaxBytes: {
    name: "PINHOLE_IMAGE_MAX_BYTES",
    type: "integer",
    min: 1024,
    max: 1024 * MIB,
    default: 10 * MIB,
    unit: "bytes",
    meaning: "Largest photograph.",
  },
  imageMaxPixels: {
    name: "PINHOLE_IMAGE_MAX_PIXELS",
    type: "integer",
    min: 1,
    max: 1_000_000_000,
    default: 50_000_000,
    unit: "pixels",
    meaning: "Most pixels of a photograph.",
  },
  imageProgressiveMaxPixels: {
    name: "PINHOLE_IMAGE_PROGRESSIVE_MAX_PIXELS",
    type: "integer",
    min: 1,
    max: 1_000_000_000,
    default: 25_000_000,
    unit: "pixels",
    meaning:
      "Most pixels of a picture that must be held whole while decoding: progressive JPEG, interlaced PNG.",
  },
  imageMaxScans: {
    name: "PINHOLE_IMAGE_MAX_SCANS",
    type: "integer",
    min: 1,
    max: 10_000,
    default: 64,
    meaning: "Most scans of a progressive JPEG.",
  },
  imageMaxMegapixelScans: {
    name: "PINHOLE_IMAGE_MAX_MEGAPIXEL_SCANS",
    type: "integer",
    min: 1,
    max: 1_000_000,
    default: 1000,
    unit: "megapixel scans",
    meaning: "Most megapixels times scans of a progressive JPEG: what decoding it costs.",
  },
  requestMaxBytes: {
    name: "PINHOLE_REQUEST_MAX_BYTES",
    type: "integer",
    min: 1024,
    max: 1024 * MIB,
    default: 40 * MIB,
    unit: "bytes",
    meaning: "Largest request body.",
  },
  requestMaxImages: {
    name: "PINHOLE_REQUEST_MAX_IMAGES",
    type: "integer",
    min: 1,
    max: 64,
    default: 8,
    meaning: "Most photographs in one request.",
  },
  readTimeoutMs: {
    name: "PINHOLE_READ_TIMEOUT_MS",
    type: "integer",
    min: 100,
    max: 3_600_000,
    default: 60_000,
    unit: "ms",
    meaning: "Time for a body to arrive.",
  },
  readMinBytesPerSecond: {
    name: "PINHOLE_READ_MIN_BYTES_PER_SECOND",
    type: "integer",
    min: 0,
    max: 1024 * MIB,
    default: 1024,
    unit: "bytes/s",
    meaning: "Lowest mean rate at which a body may arrive, judged from its fifth second on; 0: none.",
  },
  deadlineMs: {
    name: "PINHOLE_DEADLINE_MS",
    type: "integer",
    min: 10,
    max: 600_000,
    default: 10_000,
    unit: "ms",
    meaning: "Time to answer once the last byte has come.",
  },
  inFlightMax: {
    name: "PINHOLE_IN_FLIGHT_MAX",
    type: "integer",
    min: 0,
    max: 10_000,
    default: 0,
    unit: "images",
    meaning: "Images being decoded or inferred at once; 0: eight for each worker.",
  },
  queueCapacity: {
    name: "PINHOLE_QUEUE_CAPACITY",
    type: "integer",
    min: 1,
    max: 100_000,
    default: 256,
    unit: "requests",
    meaning: "Requests admitted at once, waiting ones included; past it 503.",
  },
  queueMaxBytes: {
    name: "PINHOLE_QUEUE_MAX_BYTES",
    type: "integer",
    min: MIB,
    max: 1024 * 1024 * MIB,
    default: 512 * MIB,
    unit: "bytes",
    meaning: "Body bytes held by admitted requests at once; past it 503.",
  },
  decodeConcurrency: {
    name: "PINHOLE_DECODE_CONCURRENCY",
    type: "integer",
    min: 0,
    max: 256,
    default: 0,
    meaning: "Photographs decoded at once; 0: one for each worker.",
  },
  drainDelayMs: {
    name: "PINHOLE_DRAIN_DELAY_MS",
    type: "integer",
    min: 0,
    max: 600_000,
    default: 0,
    unit: "ms",
    meaning: "After SIGTERM: how long to go on serving, not ready, while the balancer notices.",
  },
  drainTimeoutMs: {
    name: "PINHOLE_DRAIN_TIMEOUT_MS",
    type: "integer",
    min: 0,
    max: 600_000,
    default: 15_000,
    unit: "ms",
    meaning: "After the delay: how long what is in flight may take to finish.",
  },
  rateLimitEnabled: {
    name: "PINHOLE_RATE_LIMIT_ENABLED",
    type: "boolean",
    default: true,
    meaning: "Whether clients are limited.",
  },
  rateLimitRequests: {
    name: "PINHOLE_RATE_LIMIT_REQUESTS",
    type: "integer",
    min: 1,
    max: 1_000_000,
    default: 30,
    unit: "requests",
    meaning: "Predictions for each client in one window.",
  },
  rateLimitWindowSeconds: {
    name: "PINHOLE_RATE_LIMIT_WINDOW_SECONDS",
    type: "integer",
    min: 1,
    max: 86_400,
    default: 60,
    unit: "s",
    meaning: "Length of the sliding window.",
  },
  rateLimitReadRequests: {
    name: "PINHOLE_RATE_LIMIT_READ_REQUESTS",
    type: "integer",
    min: 1,
    max: 1_000_000,
    default: 300,
    unit: "requests",
    meaning: "Reads (models, predictions) for each client in one window.",
  },
  rateLimitClientsMax: {
    name: "PINHOLE_RATE_LIMIT_CLIENTS_MAX",
    type: "integer",
    min: 1,
    max: 10_000_000,
    default: 100_000,
    meaning: "Clients remembered at once for each limit; the longest unseen is forgotten first.",
  },
  cacheEnabled: {
    name: "PINHOLE_CACHE_ENABLED",
    type: "boolean",
    default: true,
    meaning: "Whether answers are cached by the photograph's bytes.",
  },
  cacheMaxBytes: {
    name: "PINHOLE_CACHE_MAX_BYTES",
    type: "integer",
    min: 1024,
    max: 64 * 1024 * MIB,
    default: 64 * MIB,
    unit: "bytes",
    meaning: "Size of the answer cache.",
  },
  cacheTtlSeconds: {
    name: "PINHOLE_CACHE_TTL_SECONDS",
    type: "integer",
    min: 1,
    max: 31_536_000,
    default: 3600,
    unit: "s",
    meaning: "How long an answer is kept.",
  },
  fallbackEnabled: {
    name: "PINHOLE_FALLBACK_ENABLED",
    type: "boolean",
    default: true,
    meaning: "Whether failed inference is answered by 200 and a fallback answer.",
  },
  recordBufferRows: {
    name: "PINHOLE_RECORD_BUFFER_ROWS",
    type: "integer",
    min: 1,
    max: 1_000_000,
    default: 10_000,
    unit: "rows",
    meaning: "Records that may wait to be written; past it they are dropped and counted.",
  },
  recordFlushIntervalMs: {
    name: "PINHOLE_RECORD_FLUSH_INTERVAL_MS",
    type: "integer",
    min: 1,
    max: 60_000,
    default: 200,
    unit: "ms",
    meaning: "Longest time a record waits to be written.",
  },
  retentionDays: {
    name: "PINHOLE_RETENTION_DAYS",
    type: "integer",
    min: 1,
    max: 3650,
    default: 30,
    unit: "days",
    meaning: "How long predictions are kept.",
  },
  retentionRows: {
    name: "PINHOLE_RETENTION_ROWS",
    type: "integer",
    min: 1,
    max: 1_000_000_000,
    default: 1_000_000,
    unit: "rows",
    meaning: "How many predictions are kept.",
  },
  databaseSlowQueryMs: {
    name: "PINHOLE_DATABASE_SLOW_QUERY_MS",
    type: "integer",
    min: 1,
    max: 60_000,
    default: 50,
    unit: "ms",
    meaning: "Queries that take longer are logged.",
  },
  backupDir: {
    name: "PINHOLE_BACKUP_DIR",
    type: "text",
    default: "",
    meaning: "Where `bun run backup` puts backups; empty: `backups` in the data directory.",
  },
  backupKeepDaily: {
    name: "PINHOLE_BACKUP_KEEP_DAILY",
    type: "integer",
    min: 0,
    max: 1000,
    default: 7,
    unit: "days",
    meaning: "Of how many days (UTC) the newest backup is kept.",
  },
  backupKeepWeekly: {
    name: "PINHOLE_BACKUP_KEEP_WEEKLY",
    type: "integer",
    min: 0,
    max: 1000,
    default: 4,
    unit: "weeks",
    meaning: "Of how many weeks (UTC) the newest backup is kept.",
  },
  backupKeepMonthly: {
    name: "PINHOLE_BACKUP_KEEP_MONTHLY",
    type: "integer",
    min: 0,
    max: 1000,
    default: 6,
    unit: "months",
    meaning: "Of how many months (UTC) the newest backup is kept.",
  },
  backupS3Endpoint: {
    name: "PINHOLE_BACKUP_S3_ENDPOINT",
    type: "text",
    default: "",
    meaning: "URL of the S3 service for `bun run backup --s3`.",
  },
  backupS3Bucket: {
    name: "PINHOLE_BACKUP_S3_BUCKET",
    type: "text",
    default: "",
    meaning: "Bucket for backups.",
  },
  backupS3Prefix: {
    name: "PINHOLE_BACKUP_S3_PREFIX",
    type: "text",
    default: "pinhole/",
    meaning: "What the names of backups begin with in the bucket.",
  },
  backupS3Region: {
    name: "PINHOLE_BACKUP_S3_REGION",
    type: "text",
    default: "us-east-1",
    meaning: "Region of the bucket.",
  },
  backupS3AccessKey: {
    name: "PINHOLE_BACKUP_S3_ACCESS_KEY",
    type: "text",
    default: "",
    secret: true,
    meaning: "Access key of the bucket.",
  },
  backupS3SecretKey: {
    name: "PINHOLE_BACKUP_S3_SECRET_KEY",
    type: "text",
    default: "",
    secret: true,
    meaning: "Secret key of the bucket.",
  },
  healthIntervalSeconds: {
    name: "PINHOLE_HEALTH_INTERVAL_SECONDS",
    type: "integer",
    min: 1,
    max: 3600,
    default: 30,
    unit: "s",
    meaning: "How often the health checks run by themselves; each report is stored.",
  },
  healthRetentionDays: {
    name: "PINHOLE_HEALTH_RETENTION_DAYS",
    type: "integer",
    min: 1,
    max: 3650,
    default: 7,
    unit: "days",
    meaning: "How long health reports are kept.",
  },
  healthDatabaseMs: {
    name: "PINHOLE_HEALTH_DATABASE_MS",
    type: "integer",
    min: 1,
    max: 60_000,
    default: 500,
    unit: "ms",
    meaning: "The database is degraded when it answers the simplest query later than this.",
  },
  healthDiskFreeShare: {
    name: "PINHOLE_HEALTH_DISK_FREE_SHARE",
    type: "number",
    min: 0,
    max: 1,
    default: 0.2,
    meaning: "The disk of the data directory is degraded when no more than this share of it is free.",
  },
  healthDiskFreeBytes: {
    name: "PINHOLE_HEALTH_DISK_FREE_BYTES",
    type: "integer",
    min: 0,
    max: 1024 * 1024 * MIB,
    default: 256 * MIB,
    unit: "bytes",
    meaning: "That disk is unhealthy when no more than this is free.",
  },
  healthMemoryShare: {
    name: "PINHOLE_HEALTH_MEMORY_SHARE",
    type: "number",
    min: 0.01,
    max: 1,
    default: 0.85,
    meaning:
      "Memory is degraded when the process holds this share of what it may use (cgroup limits included).",
  },
  healthEventLoopMs: {
    name: "PINHOLE_HEALTH_EVENT_LOOP_MS",
    type: "integer",
    min: 1,
    max: 60_000,
    default: 250,
    unit: "ms",
    meaning: "The event loop is degraded when it was this late in the last 10 to 20 s.",
  },
  healthQueueShare: {
    name: "PINHOLE_HEALTH_QUEUE_SHARE",
    type: "number",
    min: 0.01,
    max: 1,
    default: 0.9,
    meaning: "The queue is degraded when this share of PINHOLE_QUEUE_CAPACITY is admitted.",
  },
  logLevel: {
    name: "PINHOLE_LOG_LEVEL",
    type: "choice",
    choices: ["debug", "info", "warn", "error", "silent"],
    default: "info",
    meaning: "Least level that is logged; can be changed while the server runs.",
  },
  logFormat: {
    name: "PINHOLE_LOG_FORMAT",
    type: "choice",
    choices: ["auto", "json", "pretty"],
    default: "auto",
    meaning: "How lines on stdout look; auto: pretty in a terminal in development, JSON otherwise.",
  },
  logDir: {
    name: "PINHOLE_LOG_DIR",
    type: "text",
    default: "",
    meaning: "Directory for the logs, one JSON file for each stream, instead of stdout.",
  },
  logFileMaxBytes: {
    name: "PINHOLE_LOG_FILE_MAX_BYTES",
    type: "integer",
    min: 64 * 1024,
    max: 1024 * 1024 * MIB,
    default: 10 * MIB,
    unit: "bytes",
    meaning: "A log file is rotated before it is larger than this.",
  },
  logFileMaxAgeHours: {
    name: "PINHOLE_LOG_FILE_MAX_AGE_HOURS",
    type: "integer",
    min: 1,
    max: 8760,
    default: 24,
    unit: "h",
    meaning: "A log file is rotated when it is older than this.",
  },
  logFilesKept: {
    name: "PINHOLE_LOG_FILES_KEPT",
    type: "integer",
    min: 1,
    max: 1000,
    default: 5,
    unit: "files",
    meaning: "Rotated log files that are kept of each stream.",
  },
  logSlowRequestMs: {
    name: "PINHOLE_LOG_SLOW_REQUEST_MS",
    type: "integer",
    min: 1,
    max: 600_000,
    default: 1000,
    unit: "ms",
    meaning: "Requests that take longer are logged in the stream slow_request, with their stages.",
  },
  sentryDsn: {
    name: "PINHOLE_SENTRY_DSN",
    type: "text",
    default: "",
    secret: true,
    meaning: "Where errors of the server's own are reported (Sentry DSN); empty: nowhere.",
  },
  otlpEndpoint: {
    name: "PINHOLE_OTLP_ENDPOINT",
    type: "text",
    default: "",
    meaning: "OTLP/HTTP collector that traces are sent to, such as http://127.0.0.1:4318; empty: no tracing.",
  },
  traceSampleRatio: {
    name: "PINHOLE_TRACE_SAMPLE_RATIO",
    type: "number",
    min: 0,
    max: 1,
    default: 1,
    meaning: "Share of the requests that are traced where the caller has not decided it (traceparent).",
  },
} as const satisfies Record<string, Setting>;

export type SettingKey = keyof typeof SETTINGS;

type ValueOf<S> = S extends { type: "integer" | "number" }
  ? number
  : S extends { type: "boolean" }
    ? boolean
    : S extends { type: "choice"; choices: readonly (infer C)[] }
      ? C
      : S extends { type: "list"; choices: readonly (infer C)[] }
        ? readonly C[]
        : S extends { type: "list" }
          ? readonly string[]
          : string;

/** All settings, read and checked. */
export type Config = { readonly [K in SettingKey]: ValueOf<(typeof SETTINGS)[K]> };
