import { describeAnswerStore } from "./answer-store.contract.ts";
import { LruStore } from "./answer-store.ts";

describeAnswerStore("LruStore", (given) => new LruStore(given));
