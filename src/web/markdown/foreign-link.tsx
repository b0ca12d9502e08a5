import type { ComponentChildren } from "preact";

/** Shows a link that a model or a server has written. If its protocol may be harmful, shows only the text. */
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
