/** A tab in the background draws nothing, and still has to keep up. */
const longestWaitMs = 500;

/** Calls with the next frame that is drawn, or after a while where none is. */
export function onNextFrame(callback: () => void): void {
  const run = () => {
    cancelAnimationFrame(frame);
    clearTimeout(timer);
    callback();
  };
  const frame = requestAnimationFrame(run);
  const timer = setTimeout(run, longestWaitMs);
}
