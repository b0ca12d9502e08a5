import { answeredQuestionId, type TurnMail, type TurnName } from "../../core/turn-leases.js";
import { jsonCopy } from "../shared/json-copy.js";
import type { MemoryLog } from "./log.js";

/** The turn that gets the mail, with the host that owns the turn. */
interface Addressee extends TurnName {
  nodeId: string | undefined;
  fence: number;
}

interface Mail {
  readonly turn: Addressee;
  readonly mail: TurnMail;
  /** Fence (number of the lease) under which the owner of the turn received the mail. Undefined if it was not received yet. */
  fence?: number;
}

/** Messages to queued and running turns: answers to their questions, and cancellations. They are kept until the turn ends. */
export class MemoryMail {
  readonly #log: MemoryLog;
  #mail: Mail[] = [];

  constructor(log: MemoryLog) {
    this.#log = log;
  }

  /** Stores mail. Returns false and stores nothing if the mail answers a question that already has an answer. */
  send(turn: Addressee, mail: TurnMail): boolean {
    if (this.#hasAnswer(turn, answeredQuestionId(mail))) return false;
    this.#mail.push({ turn, mail: jsonCopy(mail) });
    return true;
  }

  /** Returns the mail for turns of this host that was not delivered under their current leases yet, the oldest first. */
  receive(nodeId: string): { conversationId: string; turnId: string; mail: TurnMail }[] {
    const news = this.#mail.filter(({ turn, fence }) => turn.nodeId === nodeId && fence !== turn.fence);
    return news.map((each) => {
      each.fence = each.turn.fence;
      return { conversationId: each.turn.conversationId, turnId: each.turn.turnId, mail: jsonCopy(each.mail) };
    });
  }

  forget(isGone: (turn: Addressee) => boolean): void {
    this.#mail = this.#mail.filter(({ turn }) => !isGone(turn));
  }

  #hasAnswer(turn: Addressee, questionId: string | null): boolean {
    if (questionId === null) return false;
    return (
      this.#mail.some((sent) => sent.turn === turn && answeredQuestionId(sent.mail) === questionId) ||
      this.#log
        .ofTurn(turn.conversationId, turn.turnId)
        .some((event) => event.type === "answer" && event.questionId === questionId)
    );
  }
}
