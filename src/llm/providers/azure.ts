/** Hosts of Azure's endpoints, as its portal shows them. */
export function isAzure(baseUrl: string): boolean {
  return /^https?:\/\/[^/?]+\.(openai|cognitiveservices|services\.ai)\.azure\.(com|us|cn)([:/?]|$)/i.test(baseUrl);
}
