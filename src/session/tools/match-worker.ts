/** The thread in which `grep` of `result-slices.ts` searches. It answers one question after the other. */
import { parentPort } from "node:worker_threads";
import { type MatchQuestion, matchPositions } from "./match-positions.js";

parentPort?.on("message", (question: MatchQuestion) => parentPort?.postMessage(matchPositions(question)));
