// @ts-expect-error: plain JavaScript
import { noLocalModels as untyped } from "./jest/own-machine.mjs";

export const noLocalModels: Record<string, string> = untyped;
