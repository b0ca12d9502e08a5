/** Longest time to wait for a frame, in ms. A background tab draws no frames, but it must keep up with the host. */
const longestWaitMs = 500;

/** Calls `callback` at the next frame. If no frame comes within `longestWaitMs`, calls it then. */
export function onNextFrame(callback: () => void): void {
  const run = () => {
    cancelAnimationFrame(frame);
    clearTimeout(timer);
    callback();
  };
  const frame = requestAnimationFrame(run);
  const timer = setTimeout(run, longestWaitMs);
}
