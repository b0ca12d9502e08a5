import { approvalObject } from "../../../session/commands/approvals-text.js";
import type { DoorParts } from "../../shared/door.js";
import type { ApiRoute } from "../shared/api.js";
import { ApiError } from "../shared/api-errors.js";
import { approvalList, inJson } from "../shared/api-schemas.js";

/** Routes for the answers to approval questions that hold for a project or always. */
export function approvalRoutes(approvals: NonNullable<DoorParts["approvals"]>): ApiRoute[] {
  return [
    {
      method: "GET",
      path: "/api/approvals",
      summary: "The remembered answers about tools that hold for a project or always, oldest first",
      answer: inJson(approvalList),
      run: () =>
        Response.json({ approvals: approvals.list().map((answer) => ({ id: answer.id, ...approvalObject(answer) })) }),
    },
    {
      method: "DELETE",
      path: "/api/approvals/{id}",
      summary: "Takes a remembered answer back, so that the tool is asked about again, in every host of this user",
      run({ path }) {
        const id = path("id");
        if (approvals.forget((answer) => answer.id === id).length === 0)
          throw new ApiError(404, "not_found", `there is no remembered answer ${id}`);
        return new Response(null, { status: 204 });
      },
    },
  ];
}
