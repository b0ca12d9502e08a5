import { useMemo } from "preact/hooks";
import { runningTurn, type ShownConversation } from "../chat/shown-conversation.js";
import { counted } from "../shared/format-text.js";
import { sumsText } from "./row-labels.js";
import { sumsOf } from "./rows.js";
import { type Happening, TurnTrace, type TurnTraceProps } from "./turn-trace.js";

interface TraceListProps {
  conversation: ShownConversation;
  /** Live state of the running turn. Absent for an exported conversation, which does not change. */
  happening?: Happening;
  /** True if only the last turns are loaded. Their numbers are then unknown. */
  isPart?: boolean;
}

export function TraceList({ conversation, happening, isPart = false }: TraceListProps) {
  const { turns } = conversation;
  const running = runningTurn(conversation);
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
