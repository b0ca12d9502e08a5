import type { ConversationEntry } from "../api/host-messages.js";

interface DayGroup {
  name: string;
  entries: ConversationEntry[];
}

const dayMs = 86_400_000;

/** Groups conversations, which are ordered by time, by the days of their last change. The pinned ones come first. */
export function dayGroups(entries: readonly ConversationEntry[], now: number): DayGroup[] {
  const groups: DayGroup[] = [];
  const pinned = entries.filter((entry) => entry.pinned);
  if (pinned.length > 0) groups.push({ name: "Pinned", entries: pinned });
  for (const entry of entries) {
    if (entry.pinned) continue;
    const name = dayName(entry.updated_at, now);
    const last = groups.at(-1);
    if (last?.name === name) last.entries.push(entry);
    else groups.push({ name, entries: [entry] });
  }
  return groups;
}

function dayName(at: number, now: number): string {
  const today = new Date(now).setHours(0, 0, 0, 0);
  if (at >= today) return "Today";
  if (at >= today - dayMs) return "Yesterday";
  if (at >= today - 7 * dayMs) return "Last 7 days";
  if (at >= today - 30 * dayMs) return "Last 30 days";
  return new Date(at).toLocaleDateString("en", { month: "long", year: "numeric" });
}
