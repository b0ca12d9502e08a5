import { expect } from "@jest/globals";
import { configFor, Workplace } from "../../support/cli.js";
import { chunk, type Piece, startLlmServer, stream } from "../../support/llm-server.js";
import { onScreen, openScreen } from "../../support/pty.js";

const ctrlD = "\u0004";
const paragraph = Array.from({ length: 40 }, (_, index) => `word${index} 漢字${index} 👍 שלום*em${index}*`).join(" ");
const code = Array.from(
  { length: 60 },
  (_, index) => `${"  ".repeat(index % 4)}const line${index} = ${"call(x) + ".repeat(index % 9)}${index};`,
);
const table = ["|n|name|", "|-|-|", ...Array.from({ length: 6 }, (_, index) => `|${index}|row${index}|`)];
const markdown = `${paragraph}\n\n\`\`\`js\n${code.join("\n")}\n\`\`\`\n\nBefore the table:\n\n${table.join("\n")}\n\nThe end.`;

/** Returns text without what Markdown, wrapping and the screen's lines add to it. */
const bare = (text: string) => text.replace(/```(js)?|[\s|│┼─*-]/g, "");

/** A model whose answer arrives piece by piece: each piece when `next` is called. */
function steppedAnswer(text: string, size: number) {
  const deltas = text.match(new RegExp(`.{1,${size}}`, "gsu")) ?? [];
  const steps = deltas.map(() => {
    let release = () => {};
    const released = new Promise<void>((done) => {
      release = done;
    });
    return { release, released };
  });
  const pieces: Piece[] = deltas.flatMap(
    (content, index) => [() => steps[index]?.released, chunk({ content })] as Piece[],
  );
  return {
    deltas,
    pieces: [...pieces, chunk({}, "stop"), "data: [DONE]\n\n"],
    release: (index: number) => steps[index]?.release(),
  };
}

/** Opens a chat whose model writes the answer in steps. `write(from, to)` sends those deltas, each when the screen has the text before it. */
async function openChat(text: string, columns: number) {
  const { deltas, pieces, release } = steppedAnswer(text, 61);
  const llm = await startLlmServer([stream(pieces)]);
  const place = new Workplace();
  place.configure(configFor(llm.url));
  const screen = openScreen(place, { columns, rows: 50 });
  const shown = () => bare(screen.all().join("\n"));
  await screen.until(() => screen.visible().includes(">"));
  screen.type("write\r");
  return {
    screen,
    shown,
    middle: Math.floor(deltas.length / 8),
    async write(from: number, to = deltas.length) {
      for (let index = from; index < to; index++) {
        release(index);
        const received = bare(deltas.slice(0, index + 1).join("")).slice(0, -1); // a mark at the end is not shown yet
        await screen.until(() => shown().includes(received));
      }
    },
    async [Symbol.asyncDispose]() {
      screen.type(ctrlD);
      expect(await screen.exitCode).toBe(0);
      place[Symbol.dispose]();
      await llm[Symbol.asyncDispose]();
    },
  };
}

onScreen.each([40, 80, 160])(
  "at %d columns the screen holds all text that has arrived, and holds it once",
  async (columns) => {
    await using chat = await openChat(markdown, columns);
    await chat.write(0);
    await chat.screen.until(() => /The end\.\n(.*\n)*>/.test(chat.screen.all().join("\n")));
    expect(chat.shown().split(bare(markdown))).toHaveLength(2);
  },
  60_000,
);

onScreen.each([40, 120])(
  "text goes on where it was when the terminal becomes %d columns wide",
  async (columns) => {
    await using chat = await openChat(markdown, 80);
    await chat.write(0, chat.middle);
    await chat.screen.resize({ columns, rows: 50 });
    await chat.write(chat.middle);
    await chat.screen.until(() => /The end\.\n(.*\n)*>/.test(chat.screen.all().join("\n")));
    expect(chat.shown().split(bare(markdown))).toHaveLength(2);
  },
  60_000,
);
