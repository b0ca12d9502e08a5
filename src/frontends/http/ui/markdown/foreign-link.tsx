import type { ComponentChildren } from "preact";

/** Shows a link that somebody else has written, if its protocol is harmless. */
export function ForeignLink({ href, children }: { href: string; children: ComponentChildren }) {
  if (!isHarmless(href)) return <>{children}</>;
  return (
    <a href={href} title={href} target="_blank" rel="noopener noreferrer nofollow">
      {children}
    </a>
  );
}

function isHarmless(href: string): boolean {
  return URL.canParse(href) && ["http:", "https:", "mailto:"].includes(new URL(href).protocol);
}
