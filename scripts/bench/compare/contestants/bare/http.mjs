import { Agent, request } from "node:http";

const agent = new Agent({ keepAlive: true, maxSockets: Number.POSITIVE_INFINITY });

/** Resolves with the response to a POST, as a stream of text. */
export function post(url, body, headers = {}) {
  return new Promise((resolve, reject) => {
    const length = Buffer.byteLength(body);
    const all = { "content-type": "application/json", "content-length": length, ...headers };
    request(url, { method: "POST", agent, headers: all }, (response) => resolve(response.setEncoding("utf8")))
      .on("error", reject)
      .end(body);
  });
}

export function wholeText(response) {
  return new Promise((resolve, reject) => {
    let text = "";
    response.on("data", (data) => {
      text += data;
    });
    response.on("end", () => resolve(text)).on("error", reject);
  });
}

/** Calls `onData` with the data of each server-sent event. Resolves at the end of the stream. */
export function eachData(response, onData) {
  return new Promise((resolve, reject) => {
    let rest = "";
    response.on("data", (data) => {
      const events = (rest + data).split("\n\n");
      rest = events.pop();
      for (const event of events) onData(event.slice(event.indexOf("data: ") + 6));
    });
    response.on("end", resolve).on("error", reject);
  });
}
