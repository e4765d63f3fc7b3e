"""The one Qt stylesheet: a template over the constants of `theme`, so no colour is written here."""

from string import Template
from typing import Final

SHEET: Final = Template("""
#window { background: $paper }
#header { min-height: 64px; max-height: 64px; background: $card; border-bottom: 1px solid $line }
QLabel { background: transparent }
QLabel[role="brand"] { font-size: $size_heading; font-weight: 700; color: $primary }
QLabel[role="title"] { font-size: $size_title; font-weight: 700 }
QLabel[role="heading"] { font-size: $size_heading; font-weight: 700 }
QLabel[role="strong"] { font-size: $size_strong; font-weight: 600 }
QLabel[role="muted"] { color: $muted }
QLabel[role="alert"] { color: $danger; font-weight: 600 }
QLabel[role="small"] { color: $muted; font-size: $size_small }
QLabel[role="name"] { font-size: $size_heading; font-weight: 700; color: $primary }
QFrame[role="card"] { background: $card; border: 1px solid $line; border-radius: 12px }
QFrame[role="warning"] {
    background: $warning_tint;
    border: 1px solid $warning_line;
    border-radius: 10px;
}
QFrame[role="warning"] QLabel { color: $warning_ink }
QFrame[role="problem"] { background: $danger_tint; border: 1px solid $danger; border-radius: 10px }
QFrame[role="problem"] QLabel { color: $danger_ink }
QFrame[role="notice"] { background: $primary_tint; border: 1px solid $primary; border-radius: 10px }
QFrame[role="calm"] { background: $calm_tint; border: 1px solid $calm; border-radius: 10px }
QFrame[role="calm"] QLabel { color: $calm }
QFrame[role="quote"] {
    background: $paper;
    border: none;
    border-left: 4px solid $primary;
    border-radius: 0;
}
QFrame[role="quote"] QLabel[role="text"] { font-size: $size_strong }
QFrame[role="row"] { border: none; background: transparent }
QLabel[live="yes"] { color: $live; font-weight: 600 }
QLabel[live="no"] { color: $calm; font-weight: 600 }
QPushButton {
    background: $card;
    border: 2px solid $field_line;
    border-radius: 8px;
    min-height: ${control_height}px;
    padding: 7px 18px;
    font-weight: 600;
}
QPushButton:hover { background: $primary_tint; border-color: $primary }
QPushButton:pressed { background: $primary_tint }
QPushButton:focus { border: 3px solid $primary; padding: 6px 17px }
QPushButton[kind="primary"] { background: $primary; border-color: $primary; color: $on_dark }
QPushButton[kind="primary"]:hover, QPushButton[kind="primary"]:pressed { background: $primary_dark }
QPushButton[kind="danger"] { background: $danger; border-color: $danger; color: $on_dark }
QPushButton[kind="danger"]:hover, QPushButton[kind="danger"]:pressed { background: $danger_dark }
QPushButton[kind="primary"]:focus, QPushButton[kind="danger"]:focus { border-color: $focus }
QPushButton[kind="quiet"] {
    border-color: transparent;
    background: transparent;
    color: $danger;
    padding: 7px 10px;
}
QPushButton[kind="quiet"]:hover { background: $danger_tint }
QPushButton[kind="quiet"]:focus { border: 3px solid $danger; padding: 6px 9px }
QPushButton[kind]:disabled, QPushButton:disabled {
    background: $disabled;
    border-color: $disabled;
    color: $disabled_ink;
}
QLineEdit {
    background: $card;
    border: 2px solid $field_line;
    border-radius: 8px;
    min-height: ${control_height}px;
    padding: 7px 12px;
    selection-background-color: $primary;
    selection-color: $on_dark;
}
#join-code { font-size: $size_code; font-weight: 600; min-height: 44px }
#join-submit { min-height: 44px }
QLineEdit:focus { border: 3px solid $primary; padding: 6px 11px }
QLineEdit:disabled { background: $disabled; color: $disabled_ink }
QComboBox {
    background: $card;
    border: 2px solid $field_line;
    border-radius: 8px;
    min-height: ${control_height}px;
    padding: 3px 8px 3px 12px;
    font-weight: 600;
}
QComboBox:focus, QComboBox:on { border-color: $primary }
QComboBox::drop-down { border: none; width: 30px }
QComboBox::down-arrow { image: url("$icons/chevron.svg"); width: 18px; height: 18px }
QComboBox QAbstractItemView {
    background: $card;
    border: 2px solid $primary;
    outline: none;
    padding: 4px;
}
QComboBox QAbstractItemView::item { min-height: 40px; padding: 0 10px }
QComboBox QAbstractItemView::item:selected { background: $primary; color: $on_dark }
QCheckBox {
    spacing: 10px;
    padding: 6px;
    border: 2px solid transparent;
    border-radius: 8px;
    background: transparent;
}
QCheckBox:focus { border-color: $primary }
QCheckBox::indicator {
    width: 22px;
    height: 22px;
    border: 2px solid $field_line;
    border-radius: 5px;
    background: $card;
}
QCheckBox::indicator:checked {
    background: $primary_tint;
    border-color: $primary;
    image: url("$icons/check.svg");
}
QProgressBar {
    background: $disabled;
    border: none;
    border-radius: 4px;
    min-height: 8px;
    max-height: 8px;
}
QProgressBar::chunk { background: $primary; border-radius: 4px }
QScrollArea, #chat-log, #column, #bubbles, #scrolled { background: transparent; border: none }
#chat-log:focus { border: 2px solid $primary; border-radius: 8px }
QScrollBar:vertical { background: transparent; width: 12px; margin: 0 }
QScrollBar::handle:vertical {
    background: $field_line;
    border-radius: 4px;
    min-height: 40px;
    margin: 0 2px;
}
QScrollBar::add-line, QScrollBar::sub-line { height: 0; width: 0 }
QFrame[bubble="technician"] { background: $paper; border: 1px solid $line; border-radius: 12px }
QFrame[bubble="customer"] { background: $primary_tint; border: none; border-radius: 12px }
QFrame[bubble="system"] { background: transparent; border: none }
QFrame[bubble="system"] QLabel { color: $muted; font-size: $size_small }
#bar { background: $bar_view; border: 2px solid $on_dark_muted }
#bar[state="control"] { background: $bar_control }
#bar[state="paused"] { background: $bar_paused }
#bar QLabel { color: $on_dark }
#bar QLabel[role="strong"] { font-size: $size_text }
#bar QLabel[role="small"] { color: $on_dark_muted }
#bar QPushButton { border: 2px solid $on_dark; min-height: 28px; padding: 4px 10px }
#bar QPushButton:focus { border: 3px solid $focus; padding: 3px 9px }
#bar QPushButton[kind="danger"] { border-color: $on_dark }
QMenu { background: $card; border: 1px solid $field_line; padding: 6px }
QMenu::item { padding: 9px 22px; border-radius: 6px }
QMenu::item:selected { background: $primary; color: $on_dark }
QMenu::item:disabled { color: $muted; background: transparent }
QToolTip { background: $ink; color: $on_dark; border: none; padding: 6px }
""")
