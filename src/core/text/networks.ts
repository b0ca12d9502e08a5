/** Tells from a host's name or address whether the host is on this machine or on its network. Looks up no names. */
import { BlockList, isIP } from "node:net";

const loopback = networks(["127.0.0.0", 8], ["::1", 128]);
const privateNetworks = networks(
  ["10.0.0.0", 8],
  ["172.16.0.0", 12],
  ["192.168.0.0", 16],
  ["169.254.0.0", 16],
  ["fc00::", 7],
  ["fe80::", 10],
);
const unspecified = networks(["0.0.0.0", 32], ["::", 128]);

/** True for `localhost` and loopback addresses: what listens there can be reached only from this machine. */
export function isLoopback(host: string): boolean {
  return isIn(loopback, host) || host.toLowerCase() === "localhost";
}

/** True for a host on this machine or its network. A name without a dot is not on the Internet. */
export function isLocal(host: string): boolean {
  if (isIP(unbracketed(host)) !== 0) return [loopback, privateNetworks, unspecified].some((list) => isIn(list, host));
  return /^[^.]+$|\.(localhost|local|internal|lan|home\.arpa)$/i.test(host);
}

/** True for a host that connects to this machine itself. In contrast to `isLoopback`, this includes `0.0.0.0` and subdomains of `localhost`. */
export function isThisMachine(host: string): boolean {
  return isLoopback(host) || isIn(unspecified, host) || /\.localhost$/i.test(host);
}

/** Removes the brackets that a URL has around an IPv6 address. */
export function unbracketed(host: string): string {
  return host.replace(/^\[(.*)\]$/, "$1");
}

export function networks(...subnets: readonly (readonly [address: string, bits: number])[]): BlockList {
  const list = new BlockList();
  for (const [address, bits] of subnets) list.addSubnet(address, bits, isIP(address) === 6 ? "ipv6" : "ipv4");
  return list;
}

/** True for an address in one of the networks, with or without brackets. False for a name. */
export function isIn(addresses: BlockList, host: string): boolean {
  const address = unbracketed(host);
  const family = isIP(address);
  return family !== 0 && addresses.check(address, family === 6 ? "ipv6" : "ipv4");
}
