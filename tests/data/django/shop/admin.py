"""The pages of the admin."""

from django.contrib import admin

from .models import Coupon, Document


@admin.action(description="Make inactive")
def make_inactive(modeladmin, request, queryset):
    queryset.update(active=False)


@admin.register(Coupon)
class CouponAdmin(admin.ModelAdmin):
    actions = [make_inactive]
    list_display = ["name", "percent"]
    list_editable = ["percent"]


admin.site.register(Document)
