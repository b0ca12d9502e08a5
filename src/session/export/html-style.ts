/** Style of the page, for light and dark screens, paper and phones. */
export const exportStyle = `
:root { color-scheme: light dark; --ink: #1d2228; --dim: #667079; --page: #fff; --user: #eef3fb; --box: #f5f6f7; --line: #d9dde1; --bad: #b3261e }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e3e6e9; --dim: #97a1ab; --page: #16191d; --user: #1f2b3d; --box: #1e2227; --line: #343a41; --bad: #ff8a80 }
}
body { margin: 0; background: var(--page); color: var(--ink); font: 16px/1.55 system-ui, sans-serif }
main { max-width: 48rem; margin: 0 auto; padding: 1.5rem 1rem }
main h1 { margin: .67em 0; font-size: 1.2rem; overflow-wrap: anywhere }
main p { margin: 1em 0 }
main h4 { margin: 1em 0 .4em }
main h5 { margin: .6rem 0 .2rem; color: var(--dim); font-weight: 600 }
main section { border-top: 1px solid var(--line); padding: 1rem 0 }
main time, main .facts { color: var(--dim); font-size: .8rem }
main .user { background: var(--user); border-radius: .6rem; padding: .6rem .9rem; margin: .5rem 0 }
main .user pre { background: none; padding: 0; margin: 0; font: inherit }
main pre { white-space: pre-wrap; overflow-wrap: anywhere; background: var(--box); border-radius: .4rem; padding: .6rem .8rem; margin: .4rem 0; font: .85rem/1.5 ui-monospace, monospace }
main code { font: .88em ui-monospace, monospace }
main details { border: 1px solid var(--line); border-radius: .4rem; padding: .35rem .8rem; margin: .5rem 0 }
main summary { cursor: pointer; color: var(--dim) }
main .failed summary, main .note { color: var(--bad) }
main table { border-collapse: collapse; display: block; overflow-x: auto }
main th, main td { border: 1px solid var(--line); padding: .25rem .6rem; text-align: left }
main blockquote { margin: .5rem 0; padding-left: .9rem; border-left: 3px solid var(--line) }
main img { max-width: 100% }
main a { color: inherit }
`;
