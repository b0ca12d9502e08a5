import { useMemo } from "preact/hooks";
import { type Dialogue, runningTurn } from "../chat/dialogue.js";
import { counted } from "../shared/format-text.js";
import { sumsText } from "./row-words.js";
import { sumsOf } from "./rows.js";
import { type Happening, TurnTrace, type TurnTraceProps } from "./turn-trace.js";

interface TraceListProps {
  dialogue: Dialogue;
  /** Live state of the running turn. Absent for an exported conversation, which does not change. */
  happening?: Happening;
  /** True if the dialogue has only the last turns of the conversation. Their numbers are then unknown. */
  isPart?: boolean;
}

export function TraceList({ dialogue, happening, isPart = false }: TraceListProps) {
  const { turns } = dialogue;
  const running = runningTurn(dialogue);
  const sums = sumsText(sumsOf(turns));
  return (
    <>
      <p class="small quiet">
        {isPart && "the last "}
        {counted(turns.length, "turn")}
        {sums && ` · ${sums}`}
      </p>
      {turns.map((turn, index) => (
        <SteadyTurn
          key={turn.turnId}
          turn={turn}
          number={isPart ? undefined : index + 1}
          happening={turn === running ? happening : undefined}
        />
      ))}
    </>
  );
}

/** Shows a turn. It is drawn again only if the turn has changed. Otherwise each event of the conversation would draw all turns again. */
function SteadyTurn(props: TurnTraceProps) {
  const { turn, number, happening } = props;
  return useMemo(() => <TurnTrace {...props} />, [turn, number, happening]);
}
