import type { ComponentChildren } from "preact";

/** A link that somebody else has written: only where a person may want to go by it. */
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
