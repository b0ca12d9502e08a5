/** Resolves with the URL on which a started `serve` listens. Rejects with what the process said if it ends before. */
export function listening(child) {
  let said = "";
  return new Promise((resolve, reject) => {
    child.once("exit", () => reject(new Error(said)));
    child.stderr.on("data", (text) => {
      said = `${said}${text}`.slice(-10_000);
      const [, address] = /listening on (\S+)/.exec(said) ?? [];
      if (address) resolve(address);
    });
  });
}
