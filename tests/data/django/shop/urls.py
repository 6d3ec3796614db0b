"""The admin, and the view by which the audit proxy learns whose a session is."""

from django.contrib import admin
from django.http import JsonResponse
from django.urls import path


def me(request):
    user = request.user
    if not user.is_authenticated:
        return JsonResponse({"error": "not_authenticated"}, status=401)
    return JsonResponse({"id": user.pk, "username": user.get_username(), "email": user.email})


urlpatterns = [path("admin/", admin.site.urls), path("api/me", me)]
