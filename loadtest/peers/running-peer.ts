import { tree, type Usage } from "../bench/process-tree.ts";
import { parseAnswer, type TopFive } from "./answers.ts";
import { type Peer, PINHOLE, type Setting } from "./peers.ts";
import { type Provisions, signal, startPinhole, startPython } from "./server-process.ts";

/** A server that answers. */
export interface RunningPeer extends AsyncDisposable {
  peer: Peer;
  setting: Setting;
  /** Where photographs are posted. */
  url: string;
  /** Of all its processes. */
  usage(): Usage;
  /** Stops all of its processes where they are: an idle server may take a quarter of a core. */
  pause(): void;
  resume(): void;
  /** @throws Error when it is not answered */
  ask(photograph: string): Promise<TopFive>;
}

const START_TIMEOUT_MS = 90_000;
const ANSWER_TIMEOUT_MS = 30_000;

/**
 * Starts a server and waits until it has answered.
 * @param photograph path of a JPEG
 * @throws Error with the server's own words when it does not
 */
export async function startPeer(
  peer: Peer,
  setting: Setting,
  provisions: Provisions,
  photograph: string,
): Promise<RunningPeer> {
  const process_ =
    peer === PINHOLE ? await startPinhole(provisions) : await startPython(peer, setting, provisions);
  const url = `${process_.origin}${peer.path}`;
  const ask = async (file: string) => {
    const response = await fetch(url, {
      method: "POST",
      headers: { "Content-Type": "image/jpeg" },
      body: await Bun.file(file).bytes(),
      keepalive: false,
      signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS),
    });
    if (response.status !== 200) throw new Error(`${peer.name} answered ${response.status}`);
    return parseAnswer(await response.json());
  };
  const giveUpAt = performance.now() + START_TIMEOUT_MS;
  for (;;) {
    try {
      await ask(photograph);
      break;
    } catch (error) {
      if (process_.isAlive() && performance.now() < giveUpAt) await Bun.sleep(100);
      else {
        const words = await process_.words();
        await process_.stop();
        throw new Error(`${peer.name} (${setting.label}) does not answer: ${error}\n${words}`);
      }
    }
  }
  const { pid, usage, stop } = process_;
  return {
    peer,
    setting,
    url,
    ask,
    usage,
    // Those who watch over others are stopped first and go on last, so that they miss nobody.
    pause: () => signal(tree(pid), "SIGSTOP"),
    resume: () => signal(tree(pid).reverse(), "SIGCONT"),
    [Symbol.asyncDispose]: async () => {
      signal(tree(pid).reverse(), "SIGCONT");
      await stop();
    },
  };
}
