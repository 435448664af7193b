/** One way in which a peer can be set up: what the servers in servers/ read from the environment. */
export interface Setting {
  /** For people. */
  label: string;
  env: Readonly<Record<string, string>>;
}

export interface Peer {
  name: string;
  title: string;
  /** Where a photograph is posted, as the body itself. */
  path: string;
  /** Those that its documentation suggests; the first is the one that measured best and is compared. */
  settings: readonly [Setting, ...Setting[]];
  /** How alike its answers are to Pinhole's: see answers.ts. */
  pixels: "same" | "alike";
  /** Mapped files that do not count as its memory, by their paths. */
  uncounted: RegExp | null;
  /** What the Python program is started with, in servers/. */
  argv(port: number): string[];
}

const setting = (label: string, env: Setting["env"]): Setting => ({ label, env });
const TWO_PROCESSES = { PEER_PROCESSES: "2", PEER_THREADS: "1" };
const TWO_THREADS = { PEER_PROCESSES: "1", PEER_THREADS: "2" };

/** uvicorn reads the number of processes from WEB_CONCURRENCY. */
const INLINE = setting("2 processes", { WEB_CONCURRENCY: "2" });
const POOLED = setting("2 processes, each with 40 threads", { WEB_CONCURRENCY: "2", PEER_POOL: "40" });
const FEW_THREADS = setting("2 processes, each with 2 threads", { WEB_CONCURRENCY: "2", PEER_POOL: "2" });
const ONE_POOLED = setting("1 process with 2 threads", { WEB_CONCURRENCY: "1", PEER_POOL: "2" });

/** Started by ../bench/server.ts. */
export const PINHOLE: Peer = {
  name: "pinhole",
  title: "Pinhole",
  path: "/api/v1/predict?top_k=5",
  settings: [setting("as shipped, without rate limits and cache", {})],
  pixels: "same",
  uncounted: null,
  argv: () => [],
};

export const PEERS: readonly Peer[] = [
  {
    name: "fastapi-pillow",
    title: "FastAPI + Pillow + ONNX Runtime",
    path: "/predict",
    settings: [
      INLINE,
      FEW_THREADS,
      POOLED,
      ONE_POOLED,
      setting("1 process, ONNX Runtime with 2 threads", { WEB_CONCURRENCY: "1", PEER_THREADS: "2" }),
    ],
    pixels: "same",
    uncounted: null,
    argv: uvicorn("fastapi_pillow"),
  },
  {
    name: "fastapi-torch",
    title: "FastAPI + torch + torchvision",
    path: "/predict",
    settings: [INLINE, FEW_THREADS, ONE_POOLED, POOLED],
    pixels: "same",
    // The wheel on PyPI is built for CUDA; one that is built for the CPU would not load these.
    uncounted: /\/nvidia\/|libtorch_cuda|libc10_cuda|libcusparseLt/,
    argv: uvicorn("fastapi_torch"),
  },
  {
    name: "mosec-opencv",
    title: "mosec + OpenCV + ONNX Runtime",
    path: "/inference",
    settings: [
      setting("2 processes, batches of 4", { ...TWO_PROCESSES, PEER_BATCH: "4" }),
      setting("2 processes, batches of 8", { ...TWO_PROCESSES, PEER_BATCH: "8" }),
      setting("2 processes", TWO_PROCESSES),
      setting("1 process, ONNX Runtime with 2 threads", TWO_THREADS),
    ],
    pixels: "alike",
    uncounted: null,
    argv: (port) => {
      const options = ["--address", "127.0.0.1", "--port", String(port), "--log-level", "warning"];
      return ["mosec_opencv.py", ...options];
    },
  },
  {
    name: "litserve",
    title: "LitServe + Pillow + ONNX Runtime",
    path: "/predict",
    settings: [
      setting("2 processes, batches of 4", { ...TWO_PROCESSES, PEER_BATCH: "4" }),
      setting("2 processes, batches of 8", { ...TWO_PROCESSES, PEER_BATCH: "8" }),
      setting("2 processes", TWO_PROCESSES),
      setting("2 processes, fast queue", { ...TWO_PROCESSES, PEER_FAST_QUEUE: "1" }),
      setting("2 processes, 2 API servers", { ...TWO_PROCESSES, PEER_API_SERVERS: "2" }),
      setting("1 process, ONNX Runtime with 2 threads", TWO_THREADS),
    ],
    pixels: "same",
    uncounted: null,
    argv: () => ["litserve_pillow.py"],
  },
  {
    name: "bentoml",
    title: "BentoML + Pillow + ONNX Runtime",
    path: "/predict",
    settings: [
      setting("2 processes, 2 calls at once in each", { ...TWO_PROCESSES, PEER_CALLS: "2" }),
      setting("2 processes", TWO_PROCESSES),
      setting("1 process, 2 calls at once", { PEER_PROCESSES: "1", PEER_THREADS: "1", PEER_CALLS: "2" }),
      setting("1 process, ONNX Runtime with 2 threads", TWO_THREADS),
    ],
    pixels: "same",
    uncounted: null,
    argv: (port) => {
      const options = ["--host", "127.0.0.1", "--port", String(port)];
      return ["-m", "bentoml", "serve", ...options, "bentoml_pillow:Classifier"];
    },
  },
];

function uvicorn(module: string): Peer["argv"] {
  const tuned = ["--loop", "uvloop", "--http", "httptools", "--no-access-log", "--log-level", "warning"];
  return (port) => [
    "-m",
    "uvicorn",
    "--host",
    "127.0.0.1",
    "--port",
    String(port),
    ...tuned,
    `${module}:app`,
  ];
}
