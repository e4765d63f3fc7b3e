// Starts the page on which anybody can check a receipt.
import { VerifyPage } from "./verify-page.ts";

new VerifyPage(document.body);
