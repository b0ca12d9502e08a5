import { useMemo } from "preact/hooks";
import { blockNodes } from "./block-nodes.js";
import { BlockSplitter } from "./blocks.js";
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
