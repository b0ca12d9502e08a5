import { RequestError } from "../errors.js";

/**
 * Returns a function that loads a part of the program at its first call. After a failure, the next call tries again. If the part's file is gone,
 * because the program was updated in place while this host ran, rejects with RequestError `shutting_down`.
 */
export function loadOnce<Part>(load: () => Promise<Part>): () => Promise<Part> {
  let loading: Promise<Part> | undefined;
  return () => {
    loading ??= load().catch((error: unknown) => {
      loading = undefined;
      throw (error as NodeJS.ErrnoException).code === "ERR_MODULE_NOT_FOUND" ? replaced(error) : error;
    });
    return loading;
  };
}

function replaced(cause: unknown): RequestError {
  return new RequestError("shutting_down", "this program was replaced by another version while this host ran", {
    retryable: true,
    hint: "Restart this host.",
    cause,
  });
}
