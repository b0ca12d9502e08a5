/** Longest wait for a frame: a background tab draws nothing, but has to keep up. */
const longestWaitMs = 500;

/** Calls back with the next drawn frame, or after `longestWaitMs` without one. */
export function onNextFrame(callback: () => void): void {
  const run = () => {
    cancelAnimationFrame(frame);
    clearTimeout(timer);
    callback();
  };
  const frame = requestAnimationFrame(run);
  const timer = setTimeout(run, longestWaitMs);
}
