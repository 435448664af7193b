import { Counter, Trend } from "k6/metrics";

/**
 * Figures over time: the run is cut into windows, and each window has metrics of its own, named by its number.
 * (Tags would say it more nicely, but k6 compares each sample with every tag that is asked for.)
 */
const WINDOWS = Number(__ENV.WINDOWS || 0);

interface Window {
  answerMs: Trend;
  answers: Record<"ok" | "limited" | "refused" | "failed", Counter>;
}

const windows = Array.from({ length: WINDOWS }, (_, i): Window => {
  const counter = (kind: string) => new Counter(`answers_${kind}_w${i}`);
  return {
    answerMs: new Trend(`answer_ms_w${i}`, true),
    answers: {
      ok: counter("ok"),
      limited: counter("limited"),
      refused: counter("refused"),
      failed: counter("failed"),
    },
  };
});

let current: Window | undefined;

/** What is added from now on belongs to this share (0..1) of the run. */
export function seriesAt(at: number): void {
  current = windows[Math.min(windows.length - 1, Math.floor(at * windows.length))];
}

export function addAnswer(kind: keyof Window["answers"]): void {
  current?.answers[kind].add(1);
}

export function addAnswerMs(ms: number): void {
  current?.answerMs.add(ms);
}
