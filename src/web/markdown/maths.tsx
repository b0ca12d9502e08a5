import { useLayoutEffect, useRef } from "preact/hooks";
import { mathsTypesetting } from "./on-demand.js";

interface MathsProps {
  tex: string;
  /** The formula as it was written, with its delimiters. It is what a reader copies. */
  source: string;
  isBlock: boolean;
}

/** Shows a formula. Shows its source until the part that typesets it is loaded, and if it is not valid. */
export function Maths({ tex, source, isBlock }: MathsProps) {
  const shown = useRef<HTMLSpanElement>(null);
  const frame = useRef<HTMLSpanElement>(null);
  const typesetting = mathsTypesetting.part.value;
  useLayoutEffect(() => {
    if (!typesetting) mathsTypesetting.need();
    else if (shown.current) {
      const isTypeset = typesetting.typesetMaths(tex, isBlock, shown.current);
      frame.current?.classList.toggle("typeset", isTypeset);
    }
  }, [typesetting, tex, isBlock]);
  return (
    <span class={isBlock ? "maths block" : "maths"} ref={frame}>
      <span class="source">{source}</span>
      <span ref={shown} />
    </span>
  );
}
