import { type ContentPart, unknownPicture } from "../../../core/messages.js";
import { ApiError } from "./api-errors.js";

/**
 * Makes a link of the address at which a caller has a picture. The provider fetches the picture from there: this host visits no address that
 * a caller gives it. Throws ApiError for an address that no provider can visit. `at`: the field of the request.
 */
export function pictureAt(address: string, at: string): ContentPart {
  if (/^https?:\/\//i.test(address) && URL.canParse(address)) {
    return { type: "resource_link", uri: address, mimeType: unknownPicture };
  }
  throw new ApiError(
    400,
    "unsupported_content",
    `${at}: an http(s) address, or the picture itself as base64, is needed`,
    at,
  );
}
