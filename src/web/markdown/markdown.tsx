import type { Token, Tokens } from "marked";
import type { ComponentChildren } from "preact";
import { useMemo } from "preact/hooks";
import { isReadableMarkdown } from "../../core/text/readable-markdown.js";
import { BlockSplitter, unfinishedCode } from "./blocks.js";
import { CodeBlock } from "./code-block.js";
import { ForeignLink } from "./foreign-link.js";
import { escapedText, type MarkdownToken, markdownTokens, type NoteToken } from "./markdown-tokens.js";
import { Maths } from "./maths.js";
import { ShownPicture } from "./media.js";
import { visibleText } from "./visible.js";

/**
 * Shows Markdown that a model has written. While the text grows, only the last block is parsed again. Complete blocks keep their elements
 * in the page.
 */
export function Markdown({ text }: { text: string }) {
  const splitter = useMemo(() => new BlockSplitter(), []);
  const { closed, open } = splitter.split(visibleText(text));
  return (
    <div class="markdown">
      {(open.trim() ? [...closed, open] : closed).map((block, index) => (
        <Block key={index} text={block} />
      ))}
    </div>
  );
}

function Block({ text }: { text: string }) {
  return useMemo(() => <>{blockNodes(text)}</>, [text]);
}

function blockNodes(markdown: string): ComponentChildren {
  // A code block that is still being written is shown without the lexer. Such a block may become long, and the lexer would read all of it
  // again for each new piece of text.
  const unfinished = unfinishedCode(markdown);
  if (unfinished) return <CodeBlock language={unfinished.language} text={unfinished.code} isGrowing />;
  if (!isReadableMarkdown(markdown)) return plain(markdown);
  try {
    return blocks(markdownTokens(markdown));
  } catch {
    return plain(markdown);
  }
}

function plain(text: string) {
  return <p class="as-written">{text}</p>;
}

function blocks(tokens: readonly Token[]): ComponentChildren {
  return (tokens as MarkdownToken[]).map(block);
}

function block(token: MarkdownToken): ComponentChildren {
  switch (token.type) {
    case "heading":
      return heading(token);
    case "paragraph":
      return <p>{spans(token.tokens)}</p>;
    case "text":
      return token.tokens ? spans(token.tokens) : decoded(token.text);
    case "code":
      return <CodeBlock language={token.lang ?? ""} text={token.text} />;
    case "blockquote":
      return <blockquote>{blocks(token.tokens)}</blockquote>;
    case "list":
      return list(token);
    case "table":
      return table(token);
    case "hr":
      return <hr />;
    case "maths":
      return <Maths tex={token.tex} source={token.raw.trim()} isBlock={token.isBlock} />;
    case "note":
      return <p class="small quiet">{note(token)}</p>;
    case "space":
    case "checkbox":
    case "def":
      return null;
    default:
      return <p>{token.raw}</p>;
  }
}

/** Shows a heading. Its level starts at three, since the page uses the first two levels itself. */
function heading({ depth, tokens }: Tokens.Heading) {
  const text = spans(tokens);
  if (depth === 1) return <h3>{text}</h3>;
  return depth === 2 ? <h4>{text}</h4> : <h5>{text}</h5>;
}

function list({ ordered, start, items }: Tokens.List) {
  const rows = items.map(({ task, checked, tokens }) => (
    <li class={task ? "task" : undefined}>
      {task && <span aria-hidden="true">{checked ? "☑ " : "☐ "}</span>}
      {task && <span class="unseen">{checked ? "done: " : "to do: "}</span>}
      {blocks(tokens)}
    </li>
  ));
  return ordered ? <ol start={Number(start) || 1}>{rows}</ol> : <ul>{rows}</ul>;
}

function table({ header, rows }: Tokens.Table) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrollable element must be reachable by keyboard
    <section class="wide" tabIndex={0} aria-label="Table">
      <table>
        <thead>
          <tr>
            {header.map(({ tokens, align }) => (
              <th style={{ textAlign: align ?? "start" }}>{spans(tokens)}</th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((cells) => (
            <tr>
              {cells.map(({ tokens, align }) => (
                <td style={{ textAlign: align ?? "start" }}>{spans(tokens)}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

/** Shows a footnote, or its mark, which leads to the footnote. */
function note({ name, tokens }: NoteToken) {
  if (tokens) {
    return (
      <span class="note-text" data-note={name} tabIndex={-1}>
        <sup>{name}</sup> {spans(tokens)}
      </span>
    );
  }
  const show = ({ currentTarget }: MouseEvent) => {
    const texts = (currentTarget as Element).closest(".markdown")?.querySelectorAll<HTMLElement>("[data-note]") ?? [];
    [...texts].find((text) => text.dataset.note === name)?.focus();
  };
  return (
    <sup>
      <button type="button" class="note-mark" aria-label={`Note ${name}`} onClick={show}>
        {name}
      </button>
    </sup>
  );
}

function spans(tokens: readonly Token[]): ComponentChildren {
  return (tokens as MarkdownToken[]).map(span);
}

function span(token: MarkdownToken): ComponentChildren {
  switch (token.type) {
    case "strong":
      return <strong>{spans(token.tokens)}</strong>;
    case "em":
      return <em>{spans(token.tokens)}</em>;
    case "del":
      return <del>{spans(token.tokens)}</del>;
    case "codespan":
      return <code>{token.text}</code>;
    case "br":
      return <br />;
    case "link":
      return <ForeignLink href={token.href}>{spans(token.tokens)}</ForeignLink>;
    case "image":
      return <ShownPicture address={token.href} text={token.text} />;
    case "maths":
      return <Maths tex={token.tex} source={token.raw} isBlock={token.isBlock} />;
    case "note":
      return note(token);
    case "text":
      return token.tokens ? spans(token.tokens) : decoded(token.text);
    case "escape":
      return escapedText(token);
    default:
      return token.raw;
  }
}

const named: Record<string, string> = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'", nbsp: "\u00a0" };

/** Decodes the few HTML entities that models write. */
function decoded(text: string): string {
  return text.replaceAll(/&(?:(amp|lt|gt|quot|apos|nbsp)|#(\d{1,6}));/g, (whole, name?: string, code?: string) => {
    if (name) return named[name] ?? whole;
    const point = Number(code);
    return point >= 0x20 && point <= 0x10ffff ? String.fromCodePoint(point) : whole;
  });
}
