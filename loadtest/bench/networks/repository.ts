import { mkdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { buildNetwork, CLASSES, NETWORK_DIGESTS, type NetworkName, sideOf } from "./catalogue.ts";

/** Git ignores it. */
export const NETWORKS_DIR = new URL("../../.cache/networks", import.meta.url).pathname;
const VERSION = "1.0.0";

/**
 * The folder for `PINHOLE_MODELS_DIR` of a server that serves this network and nothing else, built when it is not
 * there yet (resnet50: about a second, 102 MB). Safe when several processes ask at once.
 * @returns absolute path of a model repository that holds `<name>/1.0.0/`
 * @throws Error when the network that was built is not the pinned one
 */
export async function networkRepository(name: NetworkName, parent = NETWORKS_DIR): Promise<string> {
  const folder = join(parent, name, name, VERSION);
  const sha256 = NETWORK_DIGESTS[name];
  if (await isWhole(folder, name)) return join(parent, name);

  const { file } = buildNetwork(name);
  const built = sha256Of(file);
  if (built !== sha256) throw new Error(`${name} was built as ${built}, pinned is ${sha256}`);
  const temporary = join(parent, name, `.building-${crypto.randomUUID()}`);
  await mkdir(temporary, { recursive: true });
  await mkdir(join(parent, name, name), { recursive: true });
  await Bun.write(join(temporary, "model.onnx"), file);
  await Bun.write(join(temporary, "labels.json"), json(labels()));
  await Bun.write(join(temporary, "manifest.json"), json(manifest(name, sha256)));
  await moveIntoPlace(temporary, folder, name);
  return join(parent, name);
}

/** Of one network that `networkRepository` has built. */
export function networkFile(name: NetworkName, parent = NETWORKS_DIR): string {
  return join(parent, name, name, VERSION, "model.onnx");
}

/** What another process has put there meanwhile is the same and stays; what is damaged goes. */
async function moveIntoPlace(temporary: string, folder: string, name: NetworkName): Promise<void> {
  const isFree = await rename(temporary, folder).then(
    () => true,
    () => false,
  );
  if (isFree) return;
  if (await isWhole(folder, name)) await rm(temporary, { recursive: true, force: true });
  else {
    await rm(folder, { recursive: true, force: true });
    await rename(temporary, folder);
  }
}

async function isWhole(folder: string, name: NetworkName): Promise<boolean> {
  const sha256 = NETWORK_DIGESTS[name];
  const said = Bun.file(join(folder, "manifest.json"));
  if (!(await said.exists()) || (await said.text()) !== json(manifest(name, sha256))) return false;
  const file = Bun.file(join(folder, "model.onnx"));
  return (await file.exists()) && sha256Of(await file.arrayBuffer()) === sha256;
}

function sha256Of(bytes: Uint8Array | ArrayBuffer): string {
  return new Bun.CryptoHasher("sha256").update(bytes).digest("hex");
}

/** The photograph's middle, shrunk to the network's size as a whole, so that every photograph must be resized. */
function manifest(name: NetworkName, sha256: string) {
  return {
    schema: 1,
    name,
    version: VERSION,
    task: "classification",
    description: `${name} as torchvision has it, with random weights: for measuring speed.`,
    file: "model.onnx",
    sha256,
    input: {
      name: "input",
      dtype: "float32",
      layout: "NCHW",
      width: sideOf(name),
      height: sideOf(name),
      color: "RGB",
    },
    resize: { fit: "cover", crop: 1, interpolation: "bilinear" },
    normalize: { scale: 1 / 255, mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] },
    outputs: { logits: { name: "logits", softmax: false } },
    labels: "labels.json",
    calibration: { temperature: 1, high: 0.9, medium: 0.6 },
    // The server batches only where it finds at load that it pays.
    batch: { max_size: 4, max_wait_ms: 0 },
    license: "CC0-1.0",
  };
}

function labels() {
  return Array.from({ length: CLASSES }, (_, index) => ({
    class_id: `class_${index}`,
    class_name: `Class ${index}`,
  }));
}

function json(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}
