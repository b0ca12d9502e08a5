import { expect, test } from "@jest/globals";
import { isLocal, isLoopback, isThisMachine } from "../../src/core/text/networks.js";

const tests = { isLoopback, isThisMachine, isLocal };

/** Hosts, each with the tests that it passes. */
const hosts: [host: string, passes: (keyof typeof tests)[]][] = [
  ["127.0.0.1", ["isLoopback", "isThisMachine", "isLocal"]],
  ["127.1.2.3", ["isLoopback", "isThisMachine", "isLocal"]],
  ["localhost", ["isLoopback", "isThisMachine", "isLocal"]],
  ["LocalHost", ["isLoopback", "isThisMachine", "isLocal"]],
  ["::1", ["isLoopback", "isThisMachine", "isLocal"]],
  ["[::1]", ["isLoopback", "isThisMachine", "isLocal"]],
  ["::ffff:127.0.0.1", ["isLoopback", "isThisMachine", "isLocal"]],
  ["0.0.0.0", ["isThisMachine", "isLocal"]],
  ["::", ["isThisMachine", "isLocal"]],
  ["api.localhost", ["isThisMachine", "isLocal"]],
  ["10.1.2.3", ["isLocal"]],
  ["172.31.255.255", ["isLocal"]],
  ["192.168.1.2", ["isLocal"]],
  ["169.254.169.254", ["isLocal"]],
  ["::ffff:10.0.0.1", ["isLocal"]],
  ["[fd00::1]", ["isLocal"]],
  ["fe80::1", ["isLocal"]],
  ["ollama", ["isLocal"]],
  ["nas.home.arpa", ["isLocal"]],
  ["model.internal", ["isLocal"]],
  ["172.32.0.1", []],
  ["8.8.8.8", []],
  ["[2001:db8::1]", []],
  ["127.0.0.1.example", []],
  ["localhost.example", []],
  ["api.example.com", []],
];

test.each(hosts)("%s matches %j", (host, passes) => {
  expect(Object.entries(tests).flatMap(([name, passesTest]) => (passesTest(host) ? [name] : []))).toEqual(passes);
});
