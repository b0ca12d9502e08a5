/** Returns how many of `all` inputs a property is tried with: a tenth in `npm test`, all in `npm run test:all`. */
export function runs(all: number): number {
  return process.env.PROPERTY_RUNS === "all" ? all : Math.ceil(all / 10);
}
