// Presses the button of a sign-in link where nobody else is signed in.

import "./page.js";

document.querySelector("form[data-sends-itself]")?.requestSubmit();
