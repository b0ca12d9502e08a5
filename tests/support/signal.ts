/** A moment for which a test waits: `given` resolves when `give` is called. */
export class Signal {
  give = () => {};
  readonly given = new Promise<void>((resolve) => {
    this.give = resolve;
  });
}
