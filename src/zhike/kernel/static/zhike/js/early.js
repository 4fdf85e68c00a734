/* Runs before the first paint, only where the theme follows the system: no flash of the other theme. */
document.documentElement.dataset.bsTheme = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
