/**
 * Milliseconds that this process has had of processors so far. What work costs is measured by it, where what runs beside the tests
 * would count in the time of the clock.
 */
export function processorMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}
